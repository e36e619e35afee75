"""What may be wrong with the pixels under a target: saturated, struck, masked, cut."""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_dilation

from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.outcomes import Outcome, sentence
from bhtom_cpcs.science.stars.cosmic_rays import Strikes
from bhtom_cpcs.science.targets.forced_fit import (
    FloatArray,
    ForcedFit,
    FrameLight,
    Piece,
    forced_fit,
)

# Less of the star's weight on good pixels than this is no measurement of it.
FEWEST_COVERAGE, FEWEST_BESIDE_A_STRIKE = 0.75, 0.5
# No pixel this near to the position may be without a value.
_CORE_FWHM, _CORE_PX = 0.5, 1.0
_SATURATED_CORE_FWHM, _SMALLEST_CORE_PX = 1.0, 1.5
_ALL_COVERED: Final = 0.999
# A pixel beside a struck one is struck too where it stands above the fitted star by
# this, and by more than the star's model may be wrong by.
_FLANK_SIGMA, _FLANK_SHARE = 3.0, 0.1
_FLANK_TURNS: Final = 2


@dataclass(frozen=True, slots=True)
class TargetPixels:
    """The frame's light with bad pixels about a target masked, and why they are.

    `peak_adu` is the highest pixel of the target's core, the sky included;
    `saturated` says that it is at the detector's limit, `saturated_near` that only a
    neighbour is; `struck_pixels` are those of a square about the target that cosmic
    rays hit, `struck` says that one of them is in the fit; `core_masked` that the image
    has no valid pixel right at the position.
    """

    light: FrameLight
    peak_adu: float
    saturated: bool
    saturated_near: bool
    struck_pixels: npt.NDArray[np.bool_]
    struck: bool
    core_masked: bool


def look_at_pixels(
    light: FrameLight,
    x: float,
    y: float,
    sky_level: float,
    saturation_adu: float | None,
    strikes: Strikes,
) -> TargetPixels:
    """Find saturated and struck pixels about a target and mask them.

    Parameters
    ----------
    light : of the frame; its mask holds the struck pixels already
    strikes : which these are
    """
    fwhm = light.psf.fwhm_px
    half = math.ceil(light.psf.fit_radius_px) + 2
    piece = Piece.about(light, x, y, half)
    distance = piece.distance(x, y)
    struck = strikes.within(piece.left, piece.bottom, 2 * half + 1)
    core = (distance <= max(_SATURATED_CORE_FWHM * fwhm, _SMALLEST_CORE_PX)) & (
        piece.good
    )
    peak = float(piece.values[core].max()) + sky_level if core.any() else -math.inf
    saturated = near = False
    if saturation_adu is not None:
        full = piece.good & (piece.values + sky_level >= saturation_adu)
        saturated, near = bool((full & core).any()), bool((full & ~core).any())
        light = _masked(light, piece, full & ~core)
    middle = distance <= max(_CORE_FWHM * fwhm, _CORE_PX)
    unknown = _on_image(piece, light.pixels.shape) & ~piece.good & ~struck
    return TargetPixels(
        light,
        peak,
        saturated,
        near,
        struck,
        bool((struck & (distance <= light.psf.fit_radius_px)).any()),
        bool((unknown & middle).any()),
    )


def without_flanks(
    pixels: TargetPixels,
    x: float,
    y: float,
    neighbours: tuple[FloatArray, FloatArray],
    position_error_px: float,
) -> TargetPixels:
    """Mask what a cosmic ray left in the pixels beside those that it struck."""
    light, struck = pixels.light, pixels.struck_pixels
    for _ in range(_FLANK_TURNS):
        fit = forced_fit(light, x, y, neighbours, position_error_px)
        if not math.isfinite(fit.flux):
            break
        piece = Piece.about(light, x, y, len(struck) // 2)
        stars = piece.model(light.psf, fit.stars_x, fit.stars_y, fit.stars_flux)
        stars = np.maximum(stars + fit.background, 0.0)
        least = _FLANK_SIGMA * np.sqrt(light.noise.variance(stars))
        high = piece.values - fit.background - stars > np.maximum(
            least, _FLANK_SHARE * stars
        )
        flanks = high & piece.good & binary_dilation(struck, np.ones((3, 3)))
        if not flanks.any():
            break
        struck = struck | flanks
        light = _masked(light, piece, flanks)
    return replace(pixels, light=light, struck_pixels=struck)


def _on_image(piece: Piece, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Which pixels of the piece exist."""
    row, column = np.indices(piece.values.shape)
    row, column = row + piece.bottom, column + piece.left
    rows, columns = (row >= 0) & (row < shape[0]), (column >= 0) & (column < shape[1])
    return np.asarray(rows & columns, dtype=bool)


def _masked(light: FrameLight, piece: Piece, bad: npt.NDArray[np.bool_]) -> FrameLight:
    """Return the frame's light with bad pixels of the piece masked in a copy."""
    if not bad.any():
        return light
    if light.mask is None:
        mask = np.zeros(light.pixels.shape, dtype=bool)
    else:
        mask = light.mask.copy()
    rows, columns = np.nonzero(bad)
    mask[rows + piece.bottom, columns + piece.left] = True
    return replace(light, mask=mask)


def coverage_refusal(
    fit: ForcedFit, pixels: TargetPixels, shape: tuple[int, ...]
) -> str | None:
    """Sentence for a target with too little of its light on good pixels."""
    least = FEWEST_BESIDE_A_STRIKE if pixels.struck else FEWEST_COVERAGE
    enough = fit.coverage >= least and math.isfinite(fit.flux)
    if enough and not pixels.core_masked:
        return None
    height, width = shape
    edge = min(fit.x, fit.y, width - 1 - fit.x, height - 1 - fit.y)
    reason = "its light falls on pixels marked as bad"
    if edge < 1.0:
        reason = "its light reaches over the edge of the image"
    return sentence(Outcome.TARGET_MASKED, reason=reason)


def coverage_flags(
    fit: ForcedFit, shape: tuple[int, ...], reach_px: float
) -> list[FlagWord]:
    """Words on an edge or masked pixels within the fit."""
    height, width = shape
    words = []
    if min(fit.x, fit.y, width - 1 - fit.x, height - 1 - fit.y) < reach_px:
        words.append(FlagWord.NEAR_EDGE)
    elif fit.coverage < _ALL_COVERED:
        words.append(FlagWord.MASKED_PIXELS)
    return words
