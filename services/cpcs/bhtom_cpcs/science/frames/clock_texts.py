"""Clocks as cameras write them, as seconds of the day."""

import re
from dataclasses import dataclass

# 21:03:04.5, 21h03m04s, 21-03-04, 21 03 04,5 and TheSkyX's 09:03:04 PM STD.
_CLOCK = re.compile(
    r"^(\d{1,2})\s?[:hH\s_-]\s?(\d{1,2})(?:\s?[:mM'\s_-]\s?(\d{1,2}(?:[.,]\d*)?))?"
    r"\s?(?:[s\"]|m(?:in)?)?\s?([AaPp]\.?[Mm]\.?)?\s?(?:STD|DST|Z|UTC?|GMT)?$"
)
_NUMBER = re.compile(r"^\d+(?:[.,](\d*))?$")
_IN_UTC = re.compile(r"(?:Z|\bUTC?|\bGMT|(?<=\d)UTC?|(?<=\d)GMT)$")
# Only behind a colon or an h: the dashes of 21-03-04 are no offsets.
_ZONE = re.compile(
    r"^(.*[:hH].*[\ds])\s?(?:UTC?|GMT)?\s?([+-])(\d{1,2})(?::?(\d{2}))?$"
)
_LEAP = re.compile(r"\b\d\d?\D\d\d\D60(?!\d)")
_LARGEST_ZONE_H = 15
_LONGEST_TEXT = 80  # a card; patterns of longer ones would take their time


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds of the day, and what the text leaves open of them.

    `in_utc` when the text itself says so; of an offset from UTC (`+01:00`) the seconds
    are brought to UTC, where they may lie in the day before or after. `rounding_s` is
    one step of the last digit. `leap` where the clock showed a 61st second (23:59:60).
    """

    seconds: float
    in_utc: bool
    rounding_s: float
    leap: bool = False


def read_clock(text: str) -> Clock | None:
    """Read a clock; 09:60:00 and the like are carried over.

    A plain number is decimal hours, or seconds of the day when it is above 24. The
    mark of decimals may be a comma.
    """
    text = " ".join(text[: _LONGEST_TEXT + 1].split())
    if len(text) > _LONGEST_TEXT:
        return None
    ahead_s, in_utc = 0, _IN_UTC.search(text) is not None
    if (zone := _ZONE.match(text)) and int(zone[3]) < _LARGEST_ZONE_H:
        ahead_s = int(zone[3]) * 3600 + int(zone[4] or 0) * 60
        ahead_s = -ahead_s if zone[2] == "-" else ahead_s
        text, in_utc = zone[1], True
    found = _sexagesimal(text) or _decimal(text)
    if found is None or not 0 <= found[0] <= 86401:
        return None
    leap = _LEAP.search(text) is not None
    return Clock(found[0] - ahead_s, in_utc, found[1], leap)


def _sexagesimal(text: str) -> tuple[float, float] | None:
    match = _CLOCK.match(text)
    if match is None:
        return None
    hours, minutes, half = int(match[1]), int(match[2]), (match[4] or "")[:1].lower()
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half == "p" else 0)
    seconds = (match[3] or "").replace(",", ".")
    step = _step(seconds) if seconds else 60.0
    return hours * 3600 + minutes * 60 + float(seconds or 0), step


def _decimal(text: str) -> tuple[float, float] | None:
    if not _NUMBER.match(text):
        return None
    value = float(text.replace(",", "."))
    if value > 24:
        return value, _step(text)
    return value * 3600, 3600 * _step(text)


def _step(digits: str) -> float:
    """One step of a number's last decimal."""
    return float(10.0 ** -len(digits.replace(",", ".").partition(".")[2]))
