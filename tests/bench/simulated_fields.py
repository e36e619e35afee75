"""Lists of sources as a frame of a known sky gives them: shifted, turned, spoilt."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.astrometry.coordinates import (
    deproject,
    project,
    separation_deg,
)
from bhtom_cpcs.science.astrometry.pose import Field, field_of

FloatArray = npt.NDArray[np.float64]

SMALLEST_DEG, LARGEST_DEG = 5 / 60, 10.0
POINTING_ERROR_DEG: Final = 1.0
COLOUR_SPREAD_MAG: Final = 0.3
COUNTS_SLOPE: Final = 0.3
MOST_STARS: Final = 600_000


@dataclass(frozen=True, slots=True)
class Stars:
    """A catalogue, brightest first."""

    ra_deg: FloatArray
    dec_deg: FloatArray
    magnitude: FloatArray


@dataclass(frozen=True, slots=True)
class Simulated:
    """A frame's sources, the truth about them, and where it is said to point."""

    field: Field
    centre: tuple[float, float]
    scale_arcsec: float
    side_deg: float
    n_common: int


def uniform_stars(
    rng: np.random.Generator,
    centre: tuple[float, float],
    radius_deg: float,
    count: int,
    faintest: float,
) -> Stars:
    """Scatter stars over a disc, brightest first."""
    low = math.cos(math.radians(radius_deg))
    away = np.tan(np.arccos(low + (1 - low) * rng.random(count)))
    angle = 2 * np.pi * rng.random(count)
    plane = np.degrees(away[:, None]) * 3600
    ra, dec = deproject(plane * np.column_stack([np.cos(angle), np.sin(angle)]), centre)
    magnitude = faintest + np.log10(rng.random(count)) / COUNTS_SLOPE
    order = np.argsort(magnitude, kind="stable")
    return Stars(ra[order], dec[order], magnitude[order])


def expose(
    rng: np.random.Generator,
    stars: Stars,
    in_catalogue: npt.NDArray[np.bool_],
    centre: tuple[float, float],
    side_deg: float,
    limit_mag: float,
) -> Simulated:
    """Take a frame of the stars: what of them is seen, where, and what else."""
    width = int(rng.choice([512, 1024, 2048, 4096]))
    height = int(width * rng.uniform(0.6, 1.0))
    scale = side_deg * 3600 / math.sqrt(width * height)
    near = np.flatnonzero(
        separation_deg(stars.ra_deg, stars.dec_deg, *centre) < side_deg
    )
    plane = project(stars.ra_deg[near], stars.dec_deg[near], centre) / scale
    z = (plane[:, 0] + 1j * plane[:, 1]) * np.exp(2j * np.pi * rng.random())
    if rng.random() < 0.5:
        z = np.conj(z)
    bend = rng.uniform(-1, 1) * (0.001 if side_deg < 1 else 0.006)
    z *= 1 + bend * (np.abs(z) / (math.hypot(width, height) / 2)) ** 2
    shown = stars.magnitude[near] + rng.normal(0, COLOUR_SPREAD_MAG, len(near))
    seen = (
        (np.abs(z.real) < width / 2)
        & (np.abs(z.imag) < height / 2)
        & (shown < limit_mag)
        & (rng.random(len(z)) > rng.uniform(0.2, 0.3))
    )
    n_common = int(np.sum(seen & in_catalogue[near]))
    z, shown = z[seen], shown[seen]
    error = np.hypot(0.15, 0.4 * 10 ** (COUNTS_SLOPE * (shown - limit_mag)))
    z = z + error * (rng.normal(size=len(z)) + 1j * rng.normal(size=len(z)))
    share = rng.uniform(0.2, 0.3)
    n_spurious = int(len(z) * share / (1 - share))
    place = rng.uniform(-0.5, 0.5, (2, n_spurious))
    z = np.concatenate([z, place[0] * width + 1j * place[1] * height])
    spurious = limit_mag + np.log10(rng.random(n_spurious)) / 0.4
    z = z[np.argsort(np.concatenate([shown, spurious]), kind="stable")]
    shape = (height, width)
    field = field_of(z.real + (width - 1) / 2, z.imag + (height - 1) / 2, shape)
    return Simulated(field, centre, scale, side_deg, n_common)


def hinted_field(
    rng: np.random.Generator,
) -> tuple[Simulated, Stars, tuple[float, float]]:
    """A field of 5' to 10 deg, the catalogue about its pointing, and the pointing."""
    side = 10 ** rng.uniform(math.log10(SMALLEST_DEG), math.log10(LARGEST_DEG))
    to_15_mag = 10 ** rng.uniform(math.log10(150), math.log10(2000))
    wanted = 10 ** rng.uniform(math.log10(14), math.log10(400))
    limit = 15 + math.log10(wanted / (to_15_mag * side**2)) / COUNTS_SLOPE
    catalogue_limit = limit + rng.uniform(-0.7, 2.0)
    deepest = max(limit, catalogue_limit) + 0.5
    radius = 0.75 * side + 1.05 * POINTING_ERROR_DEG
    pointing = (
        float(rng.uniform(0, 360)),
        math.degrees(math.asin(rng.uniform(-0.98, 0.98))),
    )
    area = math.pi * radius**2
    count = int(to_15_mag * area * 10 ** (COUNTS_SLOPE * (deepest - 15)))
    if count > MOST_STARS:
        count = MOST_STARS
        deepest = 15 + math.log10(count / (to_15_mag * area)) / COUNTS_SLOPE
    stars = uniform_stars(rng, pointing, radius, count, deepest)
    known = (stars.magnitude < catalogue_limit) & (rng.random(count) > 0.05)
    away = POINTING_ERROR_DEG * math.sqrt(rng.random()) * 3600
    angle = 2 * math.pi * rng.random()
    ra, dec = deproject(
        np.array([[away * math.cos(angle), away * math.sin(angle)]]), pointing
    )
    found = expose(rng, stars, known, (float(ra[0]), float(dec[0])), side, limit)
    listed = Stars(stars.ra_deg[known], stars.dec_deg[known], stars.magnitude[known])
    return found, listed, pointing
