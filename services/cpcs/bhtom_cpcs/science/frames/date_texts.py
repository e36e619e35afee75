"""Dates and clocks as cameras write them, as Modified Julian Dates."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bhtom_cpcs.science.frames.clock_texts import read_clock

_MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)
_ISO = re.compile(
    r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(\.\d+)?(?![\d-])(?:[T\s_]+(.+))?$"
)
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})T?(\d{2})(\d{2})(\d{2}(?:[.,]\d*)?)(Z)?$")
_DAY_FIRST = re.compile(r"^(\d{1,2})[/.](\d{1,2})[/.](\d{4}|\d{2})(?:[T\s]+(.+))?$")
_DAY_OF_YEAR = re.compile(r"^(\d{4})[.:](\d{3})(?:[:T](.+))?$")
_NAMED = re.compile(
    r"^(?:(\d{1,2})[-\s/]([A-Za-z]{3})[a-z]*[-\s/,]+(\d{4})"
    r"|(\d{4})[-\s/]([A-Za-z]{3})[a-z]*[-\s/](\d{1,2}))(?:[T\s]+(.+))?$"
)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_LONGEST_TEXT = 80  # a card; patterns of longer ones would take their time
_CENTURY = 40  # two-digit years below it are of the 21st


@dataclass(frozen=True, slots=True)
class DateText:
    """MJD of a text; `has_clock` when it says the time of day too.

    `ambiguous` when day and month could be exchanged, `in_utc` when the text names its
    zone; `rounding_s` is one step of the clock's last digit; `leap` in a 61st second.
    """

    mjd: float
    has_clock: bool
    ambiguous: bool = False
    in_utc: bool = False
    rounding_s: float = 86400.0
    leap: bool = False


def read_date(text: str) -> DateText | None:
    """Read a date, with or without a time of day, in any usual order.

    Two-digit years belong to the 20th century, as the FITS standard says of them; but
    `01/03/24` is rather of 2024 than of a plate of 1924, and ambiguous. A clock with an
    offset from UTC (`+01:00`) is brought to UTC.
    """
    text = " ".join(text[: _LONGEST_TEXT + 1].split())
    if len(text) > _LONGEST_TEXT:
        return None
    if match := _COMPACT.match(text):
        clock = f"{match[4]}:{match[5]}:{match[6]}{match[7] or ''}"
        return _made(int(match[1]), int(match[2]), int(match[3]), clock)
    if match := _ISO.match(text):
        clock_text = match[5]
        if match[4] and not clock_text:
            clock_text = repr(float(match[4]) * 24)
        return _made(int(match[1]), int(match[2]), int(match[3]), clock_text)
    if match := _DAY_FIRST.match(text):
        return _day_first(int(match[1]), int(match[2]), match[3], match[4])
    if match := _NAMED.match(text):
        day, name, year = (
            (match[1], match[2], match[3])
            if match[1]
            else (match[6], match[5], match[4])
        )
        if name.lower() in _MONTHS:
            month = _MONTHS.index(name.lower()) // 4 + 1
            return _made(int(year), month, int(day), match[7])
        return None
    if match := _DAY_OF_YEAR.match(text):
        found = _made(int(match[1]), 1, 1, match[3])
        if found is None or not 1 <= int(match[2]) <= 366:
            return None
        return replace(found, mjd=found.mjd + int(match[2]) - 1)
    return None


def _day_first(
    first: int, second: int, year_text: str, clock: str | None
) -> DateText | None:
    """dd/mm/yy; mm/dd where only that can be, ambiguous where both with 4 digits."""
    short = len(year_text) == 2
    year = int(year_text)
    if short:
        year += 1900 if year >= _CENTURY else 2000
    if second > 12:
        found = _made(year, first, second, clock)
        return found and replace(found, ambiguous=short and year >= 2000)
    found = _made(year, second, first, clock)
    if found is None:
        return None
    unsure = year >= 2000 if short else first <= 12 and first != second
    return replace(found, ambiguous=unsure)


def _made(year: int, month: int, day: int, clock: str | None) -> DateText | None:
    try:
        midnight = datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None
    mjd = (midnight - _MJD_EPOCH) / timedelta(days=1)
    if clock is None:
        return DateText(mjd, False)
    found = read_clock(clock)
    if found is None:
        return None
    in_day = found.seconds / 86400
    return DateText(
        mjd + in_day,
        has_clock=True,
        in_utc=found.in_utc,
        rounding_s=found.rounding_s,
        leap=found.leap,
    )
