"""Solves a frame near a pointing."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bhtom_cpcs.science.astrometry.coordinates import Astrometry, project
from bhtom_cpcs.science.astrometry.frame_wcs import astrometry_of_pose
from bhtom_cpcs.science.astrometry.plate_solver import solve_in_plane
from bhtom_cpcs.science.astrometry.pointing import Pointing
from bhtom_cpcs.science.astrometry.pose import Field
from bhtom_cpcs.science.astrometry.proper_motion import at_epoch
from bhtom_cpcs.science.astrometry.star_patterns import ComplexArray
from bhtom_cpcs.science.reference import NoCoverage, ReferenceCatalogue

# A pointing is good to about this; a frame is looked for nearby first.
_NEAR_DEG, _FAR_DEG = 0.1, 1.05
# Stars of a field that the solver may look at, brightest first.
_STARS_PER_FIELD = 150
_MOST_STARS = 80_000
_LARGEST_RADIUS_DEG = 25.0


@dataclass(frozen=True, slots=True)
class Solved:
    """Where a frame is, and how that was found: a word of `WcsFigures.method`."""

    astrometry: Astrometry
    method: str


def solutions(
    field: Field,
    catalogue: ReferenceCatalogue,
    pointings: Iterable[Pointing],
    ranges: Iterable[tuple[float, float]],
    epoch_jyear: float,
) -> Iterator[Solved]:
    """Places where the frame's brightest stars fall on reference stars.

    Nearly always the first is right; the caller matches all stars and asks for the
    next one if they do not agree.
    """
    pointings = tuple(pointings)
    diagonal = math.hypot(field.width, field.height) / 2
    for low, high in ranges:
        radius = high * diagonal / 3600
        for reach in (radius * 0.5 + _NEAR_DEG, _FAR_DEG):
            for pointing in pointings:
                cone = min(radius + reach, _LARGEST_RADIUS_DEG)
                found = _solved(
                    field, catalogue, pointing, (low, high), cone, epoch_jyear
                )
                if found is not None:
                    yield found


def _solved(
    field: Field,
    catalogue: ReferenceCatalogue,
    pointing: Pointing,
    scale_range: tuple[float, float],
    cone_deg: float,
    epoch_jyear: float,
) -> Solved | None:
    area_deg2 = field.width * field.height * scale_range[0] * scale_range[1] / 3600**2
    fields = max(math.pi * cone_deg**2 / area_deg2, 1.0)
    count = int(min(_STARS_PER_FIELD * fields, _MOST_STARS))
    centre = (pointing.ra_deg, pointing.dec_deg)
    plane = bright_plane(catalogue, centre, cone_deg, count, epoch_jyear)
    pose = solve_in_plane(field, plane, scale_range)
    if pose is None:
        return None
    found = astrometry_of_pose(pose, centre, (field.height, field.width))
    return Solved(found, "solved_hinted")


def bright_plane(
    catalogue: ReferenceCatalogue,
    centre: tuple[float, float],
    radius_deg: float,
    count: int,
    epoch_jyear: float,
) -> ComplexArray:
    """Brightest stars of a cone in the tangent plane about its centre, at an epoch.

    East + i north [arcsec], brightest first; none where the catalogue has no tiles.
    """
    stars = catalogue.brightest(*centre, radius_deg, count)
    if isinstance(stars, NoCoverage):
        return np.zeros(0, dtype=np.complex128)
    years = epoch_jyear - stars.epoch_jyear
    motion = (stars.pm_ra_masyr, stars.pm_dec_masyr)
    ra, dec = at_epoch(stars.ra_deg, stars.dec_deg, motion, years)
    plane = project(ra, dec, centre)
    plane = plane[np.isfinite(plane[:, 0])]
    placed: ComplexArray = plane[:, 0] + 1j * plane[:, 1]
    return placed
