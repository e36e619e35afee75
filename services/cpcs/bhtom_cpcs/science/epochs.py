"""Epochs in Julian years, without any science library."""

from typing import Final

_J2000_MJD: Final = 51544.5
_DAYS_PER_JULIAN_YEAR: Final = 365.25


def julian_year(mjd: float) -> float:
    """Julian year of a time; UTC for TDB moves no star by a microarcsecond."""
    return 2000.0 + (mjd - _J2000_MJD) / _DAYS_PER_JULIAN_YEAR
