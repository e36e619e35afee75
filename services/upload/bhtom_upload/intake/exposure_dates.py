"""Whether a header tells when the frame was taken.

The cards are those that cpcs reads the time from, in all the dialects it knows; what
the time means (start or middle, which scale) is decided there. Here a frame is only
refused when no card can be understood at all, or the clock was plainly wrong.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from bhtom_contracts.events.cameras import HeaderKeywords
from bhtom_upload.intake.fits_headers import Value

_DATE_CARDS: Final = (
    "DATE-AVG",
    "DATE-MID",
    "MIDPOINT",
    "DATE-OBS",
    "DATE-BEG",
    "DATE_OBS",
    "DATEOBS",
    "DATE-STA",
    "UTC-OBS",
    "UT-DATE",
)
_TIME_CARDS: Final = (
    "TIME-OBS",
    "UT",
    "UTSTART",
    "UTC-OBS",
    "UTC",
    "UT-OBS",
    "TIME-BEG",
)
_MJD_CARDS: Final = (
    "MJD-AVG",
    "MJD-MID",
    "MJDMID",
    "MID-MJD",
    "MJD-OBS",
    "MJD-BEG",
    "MJD_OBS",
    "MJD",
    "OBSMJD",
)
_JD_CARDS: Final = ("JD", "JD-OBS", "JD_UTC", "JULIAN", "OBSJD")

# What follows the time of day, such as a zone, is not looked at.
_ISO: Final = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})"
    r"(?:[T ]+(\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d*)?)?))?",
    re.ASCII,
)
_OLD: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2})", re.ASCII)
_CLOCK: Final = re.compile(
    r"(\d{1,2})[:h ](\d{1,2})(?:[:m ](\d{1,2}(?:\.\d*)?))?s?", re.ASCII
)
_JD_OF_MJD_0: Final = 2_400_000.5
_MJD_0: Final = datetime(1858, 11, 17, tzinfo=UTC)
# The first photographs of stars; cards of 1970 are clocks that were never set, but a
# plate of that year would say the same.
_EARLIEST: Final = datetime(1850, 1, 1, tzinfo=UTC)
_CLOCKS_AHEAD: Final = timedelta(days=1)


def has_usable_date(
    headers: Sequence[Mapping[str, Value]], keywords: HeaderKeywords, now: datetime
) -> bool:
    """Whether one of the headers, image first, tells a date and a time of day."""
    cards = _merged(headers)
    latest = now + _CLOCKS_AHEAD
    return any(_EARLIEST <= moment <= latest for moment in _moments(cards, keywords))


def dates_told(
    headers: Sequence[Mapping[str, Value]], keywords: HeaderKeywords
) -> list[str]:
    """The cards that were looked at and what they say, for a person to read."""
    cards = _merged(headers)
    names = (keywords.date, keywords.time, "DATE-OBS", "TIME-OBS", "MJD-OBS", "JD")
    return [
        f"{name} = '{str(cards[name])[:40]}'"
        for name in dict.fromkeys(name.upper() for name in names)
        if name in cards
    ]


def _merged(headers: Sequence[Mapping[str, Value]]) -> dict[str, Value]:
    merged: dict[str, Value] = {}
    for header in reversed(headers):
        merged |= header
    return merged


def _moments(
    cards: Mapping[str, Value], keywords: HeaderKeywords
) -> Iterator[datetime]:
    clocks = (keywords.time.upper(), *_TIME_CARDS)
    for name in (keywords.date.upper(), *_DATE_CARDS):
        moment = _dated(cards, name, clocks)
        if moment is not None:
            yield moment
    for name in (keywords.date.upper(), *_MJD_CARDS, *_JD_CARDS):
        moment = _counted(cards, name)
        if moment is not None:
            yield moment


def _dated(
    cards: Mapping[str, Value], name: str, clocks: Sequence[str]
) -> datetime | None:
    """The moment of a calendar date, its time from itself or from another card."""
    text = _text(cards, name)
    if match := _ISO.match(text):
        year, month, day = int(match[1]), int(match[2]), int(match[3])
        seconds = _seconds_of_day(match[4] or "")
    elif match := _OLD.fullmatch(text):
        # The old FITS convention ended with 1999.
        day, month, year = int(match[1]), int(match[2]), 1900 + int(match[3])
        seconds = None
    else:
        return None
    for clock in clocks:
        if seconds is None:
            told = _text(cards, clock)
            seconds = _seconds_of_day(told.rpartition("T")[2])
    try:
        midnight = date(year, month, day)
    except ValueError:
        return None
    if seconds is None:
        return None
    start = datetime(midnight.year, midnight.month, midnight.day, tzinfo=UTC)
    return start + timedelta(seconds=seconds)


def _seconds_of_day(text: str) -> float | None:
    text = text.strip()
    if match := _CLOCK.fullmatch(text):
        seconds = int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3] or 0)
    else:
        number = _number(text)
        if number is None:
            return None
        # Decimal hours or seconds of the day.
        seconds = number if number > 24 else number * 3600
    return seconds if 0 <= seconds <= 86401 else None


def _counted(cards: Mapping[str, Value], name: str) -> datetime | None:
    """The moment of a Julian or modified Julian date."""
    value = _number(_text(cards, name))
    if value is None:
        return None
    mjd = value - _JD_OF_MJD_0 if value > _JD_OF_MJD_0 else value
    # A year or 20210118 is a number too.
    if not 10_000 < mjd < 100_000:
        return None
    return _MJD_0 + timedelta(days=mjd)


def _number(text: str) -> float | None:
    if not text.isascii():
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None


def _text(cards: Mapping[str, Value], name: str) -> str:
    return str(cards.get(name, "")).strip()
