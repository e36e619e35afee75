"""Times without the network: leap seconds and poles come from astropy's wheels.

A reduction that waited for a download would also depend on the day it ran.
"""

from astropy.time import Time
from astropy.utils import iers

iers.conf.auto_download = False
iers.conf.auto_max_age = None


def as_time(mjd: float, scale: str) -> Time:
    """Make an astropy time of a Modified Julian Date in a scale."""
    return Time(mjd, format="mjd", scale=scale)
