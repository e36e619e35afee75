"""Where a target is at mid-exposure, and whether that is on the image."""

import math

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.astrometry.coordinates import Astrometry, separation_deg
from bhtom_cpcs.science.frames.sun_and_air import earth_and_sun, tdb_of, unit_vector
from bhtom_cpcs.science.outcomes import Outcome, sentence
from bhtom_cpcs.science.request import TargetPosition

_J2000_JD = 2451545.0
_RADIANS_PER_MAS = math.radians(1 / 3.6e6)


def position_at(target: TargetPosition, mjd_utc: float) -> tuple[float, float]:
    """ICRS position of a target seen from the Earth at a time [deg].

    Proper motion is linear in space and the parallax that of the Earth's centre.
    """
    tdb = tdb_of(mjd_utc)
    years = (tdb[0] + tdb[1] - _J2000_JD) / 365.25 + 2000.0 - target.epoch_jyear
    east_axis, north_axis = _tangent_axes(target.ra_deg, target.dec_deg)
    shift = years * (target.pm_ra_masyr * east_axis + target.pm_dec_masyr * north_axis)
    if target.parallax_mas:
        shift = shift - target.parallax_mas * earth_and_sun(tdb)[0]
    direction = unit_vector(target.ra_deg, target.dec_deg) + _RADIANS_PER_MAS * shift
    x, y, z = direction / np.linalg.norm(direction)
    return math.degrees(math.atan2(y, x)) % 360, math.degrees(math.asin(z))


def _tangent_axes(
    ra_deg: float, dec_deg: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Unit vectors to the east and to the north of a position."""
    ra, dec = math.radians(ra_deg), math.radians(dec_deg)
    east = np.array([-math.sin(ra), math.cos(ra), 0.0])
    north = np.array(
        [-math.sin(dec) * math.cos(ra), -math.sin(dec) * math.sin(ra), math.cos(dec)]
    )
    return east, north


def outside_message(
    astrometry: Astrometry, ra: float, dec: float, shape: tuple[int, int]
) -> str | None:
    """Return the sentence for a target outside the image, None for one inside."""
    x, y = astrometry.pixel(np.array([ra]), np.array([dec]))
    height, width = shape
    if -0.5 <= x[0] <= width - 0.5 and -0.5 <= y[0] <= height - 0.5:
        return None
    distance = float(
        separation_deg(np.array([ra]), np.array([dec]), *astrometry.centre)[0]
    )
    beyond = f"{distance * 60:.1f} arcmin from its centre and"
    if distance > 2:
        beyond = f"{distance:.1f} deg from its centre and"
    centre = f"{astrometry.centre[0]:.4f} {astrometry.centre[1]:+.4f} deg"
    return sentence(Outcome.TARGET_OUTSIDE_FRAME, distance=beyond, centre=centre)
