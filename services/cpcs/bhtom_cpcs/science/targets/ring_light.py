"""Light in a ring about a place that the stars fitted there do not explain."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_opening, distance_transform_edt

from bhtom_cpcs.science.stars.usual_fit import FrameStars
from bhtom_cpcs.science.targets.forced_fit import FrameLight, Piece, PointSources

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Nearer than this, stars that were not told apart leave light too: a pair of equal
# stars 0.9 FWHM apart 24 % of its own within 2.5 FWHM, but 3 % between these radii.
INNER_FWHM, OUTER_FWHM, FAR_FWHM = 1.75, 3.0, 5.0
# The piece of the image that a ring and its sky need; whose light counts as the stars'.
REACH_FWHM, NEAR_FWHM = 8.0, 3.5
FEWEST_SKY_PX: Final = 30
SECTORS: Final = 8
# What lies beyond the image's edge, or under a patch without values, may be a star: as
# near to it as this its wings are nobody's. A ring of which less is left is no ring.
_WINGS_FWHM, _PATCH_FWHM = 1.5, 0.5
_FEWEST_OF_RING, WHOLE_RING = 0.6, 0.9
_STARS_ALIKE, _FEWEST_STARS = 20, 8
_CLIP: Final = 3.0


@dataclass(frozen=True, slots=True)
class Ring:
    """Light 1.75 to 3 FWHM from a place above the sky [ADU], and 1 sigma of the whole.

    `sectors`, shape (8,), parts it by direction, the first about north or the image's
    +y and on through east or +x; `seen` is the part of the ring that counts, `level`
    the sky [ADU]. NaN where too little of ring or sky is left.
    """

    excess: float
    error: float
    sectors: FloatArray
    seen: float
    level: float


@dataclass(frozen=True, slots=True)
class UsualRing:
    """What stars of a frame have in their rings, as a part of their light.

    `share` is the median of those about as bright, `spread` their 1 sigma beyond the
    noise, the brightest pair of sectors of each left out: wings that the model of the
    PSF misses, and stars too faint to be found.
    """

    share: float
    spread: float


def ring_about(
    light: FrameLight,
    piece: Piece,
    model: FloatArray,
    x: float,
    y: float,
    to_sky: FloatArray | None = None,
) -> Ring:
    """Sum what is left in a ring when a model of all stars has been taken out.

    The sky is that of a ring 5 FWHM and farther away.

    Parameters
    ----------
    piece, model : of the image about the place, and the stars' light in it [ADU]
    to_sky : (2, 2), from (x, y) to (east, north); the image's own axes where None
    """
    fwhm = light.psf.fwhm_px
    left, distance = piece.values - model, piece.distance(x, y)
    sky = left[(distance > FAR_FWHM * fwhm) & piece.good]
    whole = (distance > INNER_FWHM * fwhm) & (distance <= OUTER_FWHM * fwhm)
    here = whole & piece.good & ~_beside_unseen(piece, fwhm)
    seen = float(here.sum()) / max(float(whole.sum()), 1.0)
    if len(sky) < FEWEST_SKY_PX:
        return Ring(math.nan, math.nan, np.full(SECTORS, math.nan), seen, math.nan)
    level, level_error = clipped(sky, light.noise.sky_rms_adu)
    if seen < _FEWEST_OF_RING:
        return Ring(math.nan, math.nan, np.full(SECTORS, math.nan), seen, level)
    variance = float(np.sum(light.noise.variance(model[here])))
    error = math.hypot(math.sqrt(variance), int(here.sum()) * level_error)
    sector = _sector_of(piece, x, y, to_sky)[here]
    weights = left[here] - level
    sectors = np.array([float(np.sum(weights[sector == n])) for n in range(SECTORS)])
    return Ring(
        excess=float(np.sum(left[here] - level)),
        error=error * light.noise.correlation,
        sectors=sectors,
        seen=seen,
        level=level,
    )


def without_a_star(sectors: FloatArray) -> float:
    """Sum of sectors without the brightest two neighbours: one star is in no more."""
    pairs = sectors + np.roll(sectors, -1)
    return float(np.sum(sectors) - np.max(pairs))


def usual_ring(light: FrameLight, stars: FrameStars, flux: float) -> UsualRing | None:
    """Learn from stars of a frame, about as bright, what is in the rings about them.

    None where fewer than eight stars tell.
    """
    half = math.ceil(REACH_FWHM * light.psf.fwhm_px)
    found = []
    for star in stars.alike(flux, _STARS_ALIKE):
        x, y = float(stars.x[star]), float(stars.y[star])
        away = np.hypot(stars.every_x - x, stars.every_y - y)
        near = away < 2 * half
        piece = Piece.about(light, x, y, half)
        model = piece.model(
            light.psf,
            stars.every_x[near],
            stars.every_y[near],
            stars.every_flux[near],
        )
        ring = ring_about(light, piece, model, x, y)
        beside = near & (away < NEAR_FWHM * light.psf.fwhm_px)
        of_stars = float(np.sum(np.abs(stars.every_flux[beside])))
        if ring.seen >= WHOLE_RING and math.isfinite(ring.excess) and of_stars > 0:
            parts = ring.excess, without_a_star(ring.sectors), ring.error
            found.append([*(part / of_stars for part in parts), of_stars])
    if len(found) < _FEWEST_STARS:
        return None
    excess, trimmed, error, of_stars = np.array(found).T
    middle = float(np.median(trimmed))
    square = (1.4826 * float(np.median(np.abs(trimmed - middle)))) ** 2
    beyond = math.sqrt(max(square - float(np.median(error)) ** 2, 0.0))
    # what is too faint to be found is a larger part of a fainter one
    fainter = max(float(np.median(of_stars)) / flux, 1.0)
    return UsualRing(float(np.median(excess)), beyond * fainter)


def light_of_stars(light: FrameLight, x: float, y: float, stars: PointSources) -> float:
    """Light of all stars so near to a place that their wings are in its ring [ADU]."""
    near = np.hypot(stars.x - x, stars.y - y) < NEAR_FWHM * light.psf.fwhm_px
    return float(np.sum(np.abs(stars.flux[near])))


def clipped(values: FloatArray, rms: float) -> tuple[float, float]:
    """Mean about the median and its error, values beyond 3 sigma left out."""
    centre = float(np.median(values))
    spread = max(1.4826 * float(np.median(np.abs(values - centre))), 0.5 * rms)
    kept = values[np.abs(values - centre) <= _CLIP * spread]
    return float(kept.mean()), spread / math.sqrt(len(kept))


def _beside_unseen(piece: Piece, fwhm: float) -> BoolArray:
    """Pixels beside the edge of the image or a patch of it that has no values."""
    if piece.good.all():
        return np.zeros(piece.good.shape, dtype=bool)
    half = max(round(_PATCH_FWHM * fwhm), 1)
    patch = np.ones((2 * half + 1, 2 * half + 1), dtype=bool)
    # the piece's own border is none: what is beyond it is taken to be as its rim is
    bad = np.pad(~piece.good, 2 * half, mode="edge")
    inner = np.s_[2 * half : -2 * half, 2 * half : -2 * half]
    lumps = binary_opening(bad, patch)[inner]
    if not lumps.any():
        return np.zeros(piece.good.shape, dtype=bool)
    beside: BoolArray = distance_transform_edt(~lumps) <= _WINGS_FWHM * fwhm
    return beside


def _sector_of(
    piece: Piece, x: float, y: float, to_sky: FloatArray | None
) -> npt.NDArray[np.intp]:
    """In which of the sectors each pixel is."""
    row, column = np.indices(piece.values.shape)
    dx, dy = column + piece.left - x, row + piece.bottom - y
    (a, b), (c, d) = np.eye(2) if to_sky is None else to_sky
    angle = np.arctan2(a * dx + b * dy, c * dx + d * dy)
    number = np.rint(angle * SECTORS / (2 * math.pi)).astype(np.intp)
    sector: npt.NDArray[np.intp] = number % SECTORS
    return sector
