"""Time scales of headers, and the way from each of them to UTC."""

import re
from functools import cache
from typing import Final

import erfa  # type: ignore[import-untyped]
from astropy.io import fits
from astropy.utils.iers import IERSRangeError

from bhtom_cpcs.science.frames.header_cards import text_of
from bhtom_cpcs.science.offline import as_time

_GPS_BEHIND_TAI_S: Final = 19.0  # GPS time was UTC in January 1980, 19 s behind TAI
_SAME: Final = {
    "utc": "utc",
    "ut": "utc",
    "gmt": "utc",
    "z": "utc",
    "ut1": "ut1",
    "tai": "tai",
    "iat": "tai",
    "tt": "tt",
    "tdt": "tt",
    "et": "tt",
    "tdb": "tdb",
    "tcb": "tcb",
    "tcg": "tcg",
    "gps": "gps",
}
_FIRST_LEAP_YEAR: Final = 1972  # before it UTC was steered in smaller steps
_DAY_S: Final = 86400.0
_LEAP_S: Final = 1.001


def known_scale(word: str) -> str | None:
    """The scale that a word names, None where it names none."""
    return _SAME.get(word.lower())


def system_of(header: fits.Header) -> tuple[str | None, bool]:
    """The header's TIMESYS, and False where it names no scale that is known."""
    text = text_of(header, "TIMESYS")
    if text is None:
        return None, True
    word = re.match(r"[a-z0-9]*", text.lower())
    name = known_scale(word[0]) if word is not None else None
    return name, name is not None


def to_utc(mjd: float, scale: str) -> float:
    """MJD (UTC) of a moment in another scale; leap seconds come with astropy.

    Heliocentric and barycentric moments keep their light time: it needs a direction.
    """
    if scale == "utc":
        return mjd
    if scale == "gps":
        return float(as_time(mjd + _GPS_BEHIND_TAI_S / _DAY_S, "tai").utc.mjd)
    try:
        return float(as_time(mjd, scale).utc.mjd)
    except (IERSRangeError, ValueError):
        return mjd  # UT1 of a time without Earth rotation tables: 0.9 s at most


def of_clock(mjd: float, *, leap: bool) -> float:
    """MJD (UTC) of a date and a clock's seconds / 86400.

    A day with a leap second has 86401 of them, and astropy's MJD is a part of those
    (the quasi-JD of SOFA's `dtf2d`): elsewise 23:59:60 would be midnight, and all of
    that day's moments up to 1 s late.
    """
    day = int(mjd // 1)
    in_day_s = (mjd - day) * _DAY_S
    if leap and in_day_s < _LEAP_S and day - 1 in _leap_days():
        day, in_day_s = day - 1, in_day_s + _DAY_S
    if day not in _leap_days():
        return mjd
    return day + in_day_s / (_DAY_S + 1)


@cache
def _leap_days() -> frozenset[int]:
    """The days of UTC that ended with a 61st second of their last minute."""
    firsts = [
        int(erfa.cal2jd(int(row["year"]), int(row["month"]), 1)[1])
        for row in erfa.leap_seconds.get()
        if (row["year"], row["month"]) > (_FIRST_LEAP_YEAR, 1)
    ]
    return frozenset(first - 1 for first in firsts)
