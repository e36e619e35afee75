"""What may be wrong with the pixels under a target: saturated, struck, masked, cut."""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.outcomes import Outcome, sentence
from bhtom_cpcs.science.stars.cosmic_rays import repair_star
from bhtom_cpcs.science.targets.forced_fit import ForcedFit, FrameLight, Piece

# Less of the star's weight on good pixels than this is no measurement of it.
FEWEST_COVERAGE, FEWEST_BESIDE_A_STRIKE = 0.75, 0.5
# No pixel this near to the position may be without a value.
_CORE_FWHM, _CORE_PX = 0.5, 1.0
_SATURATED_CORE_FWHM, _SMALLEST_CORE_PX = 1.0, 1.5
_ALL_COVERED: Final = 0.999


@dataclass(frozen=True, slots=True)
class TargetPixels:
    """The frame's light with bad pixels about a target masked, and why they are.

    `peak_adu` is the highest pixel of the target's core, the sky included;
    `saturated` says that it is at the detector's limit, `struck` that a cosmic ray was
    found, `saturated_near` that only a neighbour is saturated, `core_masked` that the
    image has no valid pixel right at the position.
    """

    light: FrameLight
    peak_adu: float
    saturated: bool
    saturated_near: bool
    struck: bool
    core_masked: bool


def look_at_pixels(
    light: FrameLight,
    x: float,
    y: float,
    sky_level: float,
    saturation_adu: float | None,
) -> TargetPixels:
    """Find saturated and struck pixels about a target and mask them."""
    fwhm = light.psf.fwhm_px
    half = math.ceil(light.psf.fit_radius_px) + 2
    piece = Piece.about(light, x, y, half)
    distance = piece.distance(x, y)
    core = (distance <= max(_SATURATED_CORE_FWHM * fwhm, _SMALLEST_CORE_PX)) & (
        piece.good
    )
    peak = float(piece.values[core].max()) + sky_level if core.any() else -math.inf
    bad = np.zeros(piece.values.shape, dtype=bool)
    saturated = near = False
    if saturation_adu is not None:
        full = piece.good & (piece.values + sky_level >= saturation_adu)
        saturated, near = bool((full & core).any()), bool((full & ~core).any())
        bad |= full & ~core
    middle = distance <= max(_CORE_FWHM * fwhm, _CORE_PX)
    core_masked = _on_image(piece, light.pixels.shape) & middle & ~piece.good
    repair = repair_star(
        light.pixels,
        (x, y),
        max(fwhm, _SMALLEST_CORE_PX + 0.5),
        half,
        light.psf,
        (light.noise.sky_rms_adu, light.noise.gain_e_per_adu),
    )
    struck = _struck(light, piece, repair.pixels, repair.left, repair.bottom)
    bad |= struck
    if bad.any():
        light = replace(light, mask=_masked(light, piece, bad))
    return TargetPixels(
        light, peak, saturated, near, bool(struck.any()), bool(core_masked.any())
    )


def _on_image(piece: Piece, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Which pixels of the piece exist."""
    row, column = np.indices(piece.values.shape)
    row, column = row + piece.bottom, column + piece.left
    rows, columns = (row >= 0) & (row < shape[0]), (column >= 0) & (column < shape[1])
    return np.asarray(rows & columns, dtype=bool)


def _struck(
    light: FrameLight, piece: Piece, repaired: Image, left: int, bottom: int
) -> npt.NDArray[np.bool_]:
    """Pixels of the piece that the repair changed."""
    height, width = repaired.shape
    original = light.pixels[bottom : bottom + height, left : left + width]
    rows, columns = np.nonzero(original != repaired)
    rows, columns = rows + bottom - piece.bottom, columns + left - piece.left
    side = len(piece.values)
    inside = (rows >= 0) & (rows < side) & (columns >= 0) & (columns < side)
    struck = np.zeros(piece.values.shape, dtype=bool)
    struck[rows[inside], columns[inside]] = True
    return struck


def _masked(light: FrameLight, piece: Piece, bad: npt.NDArray[np.bool_]) -> Mask:
    """Copy the frame's mask with the piece's bad pixels in it."""
    if light.mask is None:
        mask = np.zeros(light.pixels.shape, dtype=bool)
    else:
        mask = light.mask.copy()
    rows, columns = np.nonzero(bad)
    mask[rows + piece.bottom, columns + piece.left] = True
    return mask


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
