"""Recognises frames whose sources are no stars: trails, discs, subtraction's rests."""

from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.frames.star_images import (
    LONG,
    defocus,
    elongation,
    streak_ratio,
)
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stars.detection import SEP_MERGED, Sources, detect
from bhtom_cpcs.science.stop import Stop

BoolArray = npt.NDArray[np.bool_]

_NEAR_SATURATION = 0.9
_FEWEST_SINGLE = 5
_SUSPICIOUS, _WIDE_KERNEL_PX, _NARROW_KERNEL_PX = 2.0, 5.0, 2.0
# A sky as near to zero as this, in its own rms, may have been subtracted ...
_NO_SKY_SIGMA = 3.0
# ... and sources below it, as many as this beside those above it, do not exist.
_FEWEST_NEGATIVE, _NEGATIVE_SHARE = 8, 0.4
# A pixel that is this bright tells by its neighbours whether it is a star's: the median
# of the four has 0.16 of the peak or more where the FWHM is 1 px, wherever the centre
# lies; of two hot pixels side by side it has nothing.
_TELLING_SIGMA, _ALONE, _MANY_HOT = 8.0, 0.12, 20
_RESHAPED: Final = frozenset({FlagWord.EIGHT_BIT, FlagWord.STRETCHED})


def judge_images(state: PlaneState, sources: Sources, kernel_fwhm_px: float) -> None:
    """Stop at trails, discs and difference images; flag stars that are drawn out."""
    psf = need(state.psf, "find_sources")
    _refuse_difference(state, sources, kernel_fwhm_px)
    blurred = defocus(
        (sources.flux, sources.peak),
        (sources.a, sources.b),
        psf.fwhm_px,
        psf.n_stars,
    )
    if blurred is not None:
        raise Stop(Outcome.OUT_OF_FOCUS, reason=blurred)
    sky, whole = need(state.sky, "find_sources"), _whole(state, sources)
    streaks = _streaks(state, sources, whole, kernel_fwhm_px)
    if streaks > LONG:
        raise Stop(Outcome.TRAILED, elongation=streaks)
    images = elongation(
        state.plane.pixels,
        sources.x[whole],
        sources.y[whole],
        sources.a[whole],
        sky.rms,
    )
    if images.is_trailed:
        raise Stop(Outcome.TRAILED, elongation=images.seen)
    if images.is_drawn_out:
        state.frame_flags.append(FlagWord.DRAWN_OUT)
        state.warnings.append(
            f"The stars are drawn out {images.ratio:.1f} times in one direction."
        )


def warn_without_stars(state: PlaneState) -> None:
    """Say what it means that no star is bright enough to tell the stars' form."""
    state.warnings.append(
        "No star is good enough to tell the frame's point-spread function: its "
        "width is a guess from the sources' sizes, every magnitude less certain."
    )
    hot = _count_hot_pixels(state)
    if hot >= _MANY_HOT:
        state.warnings.append(
            f"{hot} bright pixels stand alone, as hot ones do, and no star is bright: "
            "this may be a dark, or a frame from which none was subtracted."
        )


def _count_hot_pixels(state: PlaneState) -> int:
    """Count bright pixels without a star's light beside them."""
    pixels, rms = state.plane.pixels, need(state.sky, "find_sources").rms
    bright = pixels[1:-1, 1:-1] > _TELLING_SIGMA * rms
    if state.plane.mask is not None:
        bright &= ~state.plane.mask[1:-1, 1:-1]
    row, column = (index + 1 for index in np.nonzero(bright))
    steps = ((-1, 0), (1, 0), (0, -1), (0, 1))
    beside = np.stack([pixels[row + y, column + x] for y, x in steps])
    middle = np.sort(beside, axis=0)[1:3].mean(axis=0)
    return int(np.count_nonzero(middle < _ALONE * pixels[row, column]))


def _whole(state: PlaneState, sources: Sources) -> BoolArray:
    """Say which sources tell the form of the images: single and not near saturation."""
    sky, detector = (
        need(state.sky, "find_sources"),
        need(state.detector, "read_detector"),
    )
    whole = np.ones(len(sources), dtype=bool)
    if detector.saturation_adu is not None:  # bleeding columns are long and parallel
        ceiling = _NEAR_SATURATION * detector.saturation_adu
        whole = sources.peak + sky.level < ceiling
    single = whole & ((sources.flags & SEP_MERGED) == 0)
    return single if np.count_nonzero(single) >= _FEWEST_SINGLE else whole


def _streaks(
    state: PlaneState, sources: Sources, whole: BoolArray, kernel_fwhm_px: float
) -> float:
    """Return how long the sources are for their width.

    A long streak passes for a wide star, and a kernel as wide as that makes it rounder
    than it is: where the sources are long already, a narrow kernel looks again.
    """
    ratio = streak_ratio(sources.a[whole], sources.b[whole])
    if ratio <= _SUSPICIOUS or kernel_fwhm_px <= _WIDE_KERNEL_PX:
        return ratio
    rms = need(state.sky, "find_sources").rms
    plane = state.plane
    narrow = detect(plane.pixels, plane.mask, rms, _NARROW_KERNEL_PX)
    whole = _whole(state, narrow)
    return max(ratio, streak_ratio(narrow.a[whole], narrow.b[whole]))


def _refuse_difference(state: PlaneState, sources: Sources, fwhm_px: float) -> None:
    """Look for sources below a sky of zero: only subtraction makes them."""
    if _RESHAPED & set(state.frame_flags):
        # A stretch ends its sky at black and tears holes into it, which are no stars.
        return
    sky, pixels = need(state.sky, "find_sources"), state.plane.pixels
    if abs(sky.level + state.plane.offset_adu) > _NO_SKY_SIGMA * sky.rms:
        return
    below = detect(-pixels, state.plane.mask, sky.rms, fwhm_px)
    if len(below) < max(_FEWEST_NEGATIVE, _NEGATIVE_SHARE * len(sources)):
        return
    raise Stop(
        Outcome.IS_DIFFERENCE,
        reason=f"{len(below)} sources lie below its sky, {len(sources)} above it",
    )
