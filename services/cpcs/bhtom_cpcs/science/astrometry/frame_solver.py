"""Solves a frame from its pointing, or from the whole catalogue without one."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bhtom_cpcs.science.astrometry.coordinates import Astrometry, project
from bhtom_cpcs.science.astrometry.frame_wcs import astrometry_of_pose
from bhtom_cpcs.science.astrometry.plate_solver import (
    Field,
    solve_in_plane,
)
from bhtom_cpcs.science.astrometry.pointing import Pointing
from bhtom_cpcs.science.astrometry.reference_match import at_epoch
from bhtom_cpcs.science.reference import BrightStars, NoCoverage, ReferenceCatalogue

# A pointing is good to about this; a frame is looked for nearby first.
_NEAR_DEG, _FAR_DEG = 0.1, 1.05
# Stars of a field that the solver may look at, brightest first.
_STARS_PER_FIELD = 150
_MOST_STARS = 80_000
_LARGEST_RADIUS_DEG = 25.0


@dataclass(frozen=True, slots=True)
class Solved:
    """Where a frame is, and which pointing led there."""

    astrometry: Astrometry
    pointing: Pointing


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
    stars = catalogue.brightest(pointing.ra_deg, pointing.dec_deg, cone_deg, count)
    if isinstance(stars, NoCoverage):
        return None
    centre = (pointing.ra_deg, pointing.dec_deg)
    pose = solve_in_plane(field, _plane(stars, centre, epoch_jyear), scale_range)
    if pose is None:
        return None
    found = astrometry_of_pose(pose, centre, (field.height, field.width))
    return Solved(found, pointing)


def _plane(
    stars: BrightStars, centre: tuple[float, float], epoch_jyear: float
) -> "np.ndarray[tuple[int], np.dtype[np.complex128]]":
    years = epoch_jyear - stars.epoch_jyear
    motion = (stars.pm_ra_masyr, stars.pm_dec_masyr)
    ra, dec = at_epoch(stars.ra_deg, stars.dec_deg, motion, years)
    plane = project(ra, dec, centre)
    plane = plane[np.isfinite(plane[:, 0])]
    return plane[:, 0] + 1j * plane[:, 1]
