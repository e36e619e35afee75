"""Where a target is at mid-exposure, and whether that is on the image."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.astrometry.coordinates import Astrometry, separation_deg
from bhtom_cpcs.science.decisions import NOTHING_DECIDED, Decisions, MeanPosition
from bhtom_cpcs.science.epochs import julian_year
from bhtom_cpcs.science.frames.sun_and_air import (
    earth_and_sun,
    site_vector_au,
    tdb_of,
    unit_vector,
)
from bhtom_cpcs.science.outcomes import Outcome, sentence
from bhtom_cpcs.science.request import Site, TargetPosition
from bhtom_cpcs.science.targets.ephemeris_table import OutsideEphemeris, interpolate
from bhtom_cpcs.science.targets.orbits import OrbitUnusable, astrometric_direction

Vector = npt.NDArray[np.float64]

# Of coordinates that came without an error: what people type is good to that.
UNKNOWN_ERROR_ARCSEC: Final = 0.5
# Of elements and tables: the orbit's own error and the time's.
_MOVING_ERROR_ARCSEC: Final = 1.0
# The Earth's radius seen from 1 au: a geocentric table without distances.
_UNKNOWN_PARALLAX_ARCSEC: Final = 8.8
_LARGEST_TABLE_ERROR_ARCSEC: Final = 30.0
_MJD_ZERO: Final = 2400000.5
_RADIANS_PER_MAS: Final = math.radians(1 / 3.6e6)


@dataclass(frozen=True, slots=True)
class TargetPlace:
    """Where a target is in a frame: astrometric ICRS position for the site [deg].

    `error_arcsec` is 1 sigma along right ascension (cos(dec) included) and along
    declination; `source` says what gave the place: `coordinates`, `mean position`,
    `elements`, `ephemeris`. `problem` says why there is none; the position is then
    not to be used.
    """

    target: TargetPosition
    ra_deg: float
    dec_deg: float
    error_arcsec: tuple[float, float]
    source: str
    problem: str | None = None


def place_of(
    target: TargetPosition,
    mjd_utc: float,
    site: Site | None = None,
    decisions: Decisions = NOTHING_DECIDED,
) -> TargetPlace:
    """Evaluate a target's position model at mid-exposure, for the site.

    A target's own mean position from good frames takes the place of the coordinates
    it was entered with, and moves with the target's proper motion.
    """
    try:
        if target.elements is not None:
            return _on_orbit(target, mjd_utc, site)
        if target.ephemeris is not None:
            return _in_table(target, mjd_utc, site)
    except (OrbitUnusable, OutsideEphemeris) as problem:
        return _nowhere(target, str(problem))
    if target.ra_deg is None or target.dec_deg is None:
        return _nowhere(target, "it has neither coordinates nor an orbit")
    mean = decisions.mean_position_of(target.target_id)
    if mean is not None:
        return _from_mean(target, mean, mjd_utc)
    here = (target.ra_deg, target.dec_deg)
    ra, dec = _moved(target, here, target.epoch_jyear, mjd_utc)
    error = target.error_arcsec
    error = UNKNOWN_ERROR_ARCSEC if error is None else error
    return TargetPlace(target, ra, dec, (error, error), "coordinates")


def _nowhere(target: TargetPosition, problem: str) -> TargetPlace:
    return TargetPlace(target, math.nan, math.nan, (math.inf, math.inf), "", problem)


def _from_mean(
    target: TargetPosition, mean: MeanPosition, mjd_utc: float
) -> TargetPlace:
    here = (mean.ra_deg, mean.dec_deg)
    ra, dec = _moved(target, here, mean.epoch_jyear, mjd_utc)
    errors = (mean.ra_error_arcsec, mean.dec_error_arcsec)
    return TargetPlace(target, ra, dec, errors, "mean position")


def _on_orbit(target: TargetPosition, mjd_utc: float, site: Site | None) -> TargetPlace:
    assert target.elements is not None  # noqa: S101 - narrows the type
    tdb = tdb_of(mjd_utc)
    observer = -earth_and_sun(tdb)[1]
    if site is not None:
        observer = observer + site_vector_au(mjd_utc, site)
    mjd_tdb = (tdb[0] - _MJD_ZERO) + tdb[1]
    seen, distance = astrometric_direction(target.elements, mjd_tdb, observer)
    error = _MOVING_ERROR_ARCSEC if target.error_arcsec is None else target.error_arcsec
    if site is None:
        error = math.hypot(error, _UNKNOWN_PARALLAX_ARCSEC / distance)
    return TargetPlace(target, *_angles(seen), (error, error), "elements")


def _in_table(target: TargetPosition, mjd_utc: float, site: Site | None) -> TargetPlace:
    assert target.ephemeris is not None  # noqa: S101 - narrows the type
    seen, distance, table_error = interpolate(target.ephemeris, mjd_utc)
    if table_error > _LARGEST_TABLE_ERROR_ARCSEC:
        raise OutsideEphemeris("its ephemeris' rows are too far apart")
    error = _MOVING_ERROR_ARCSEC if target.error_arcsec is None else target.error_arcsec
    error = math.hypot(error, table_error)
    if not target.ephemeris.topocentric:
        if distance is None or site is None:
            error = math.hypot(error, _UNKNOWN_PARALLAX_ARCSEC / (distance or 1.0))
        else:
            seen = distance * seen - site_vector_au(mjd_utc, site)
            seen = seen / np.linalg.norm(seen)
    return TargetPlace(target, *_angles(seen), (error, error), "ephemeris")


def _moved(
    target: TargetPosition,
    here: tuple[float, float],
    epoch_jyear: float,
    mjd_utc: float,
) -> tuple[float, float]:
    """ICRS position seen from the Earth at a time [deg].

    Proper motion is linear in space and the parallax that of the Earth's centre.
    """
    tdb = tdb_of(mjd_utc)
    years = julian_year((tdb[0] - _MJD_ZERO) + tdb[1]) - epoch_jyear
    east_axis, north_axis = tangent_axes(*here)
    shift = years * (target.pm_ra_masyr * east_axis + target.pm_dec_masyr * north_axis)
    if target.parallax_mas:
        shift = shift - target.parallax_mas * earth_and_sun(tdb)[0]
    direction = unit_vector(*here) + _RADIANS_PER_MAS * shift
    return _angles(direction / np.linalg.norm(direction))


def _angles(direction: Vector) -> tuple[float, float]:
    x, y, z = (float(part) for part in direction)
    return math.degrees(math.atan2(y, x)) % 360, math.degrees(
        math.asin(max(-1.0, min(1.0, z)))
    )


def tangent_axes(ra_deg: float, dec_deg: float) -> tuple[Vector, Vector]:
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
    beyond = f"{distance * 60:.1f} arcmin"
    if distance > 2:
        beyond = f"{distance:.1f} deg"
    centre = f"{astrometry.centre[0]:.4f} {astrometry.centre[1]:+.4f} deg"
    return sentence(Outcome.TARGET_OUTSIDE_FRAME, distance=beyond, centre=centre)


def refusal_of(
    place: TargetPlace, astrometry: Astrometry, shape: tuple[int, int]
) -> tuple[Outcome, str] | None:
    """Outcome and sentence of a target that is nowhere or not on the image."""
    if place.problem is not None:
        outcome = Outcome.TARGET_POSITION_UNKNOWN
        return outcome, sentence(outcome, reason=place.problem)
    outside = outside_message(astrometry, place.ra_deg, place.dec_deg, shape)
    return None if outside is None else (Outcome.TARGET_OUTSIDE_FRAME, outside)
