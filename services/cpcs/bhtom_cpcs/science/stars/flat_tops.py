"""Where stars stop growing: saturation that no card and no pile-up of pixels tells."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.order_statistics import middle_of
from bhtom_cpcs.science.stars.detection import Sources
from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.stars.stamps import cut_out, dot, places, usable_pixels

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_MOST_STARS, _FEWEST_ORDINARY = 120, 6
_BRIGHT_SIGMA = 15.0  # peak over the sky's noise
_LARGEST_ERROR = 0.15  # of what is missing of a core
# The part of an image that is cut off first, and the ring about it whose light tells
# what stood there.
_CORE_FWHM, _SMALLEST_CORE_PX = 0.5, 0.9
_RING_FWHM, _SMALLEST_RING_PX = 1.5, 3.0
# A vignetted corner's ceiling stands so much above the middle's, once it is flattened;
# and of tops that are cut off none is so far below the others.
_CEILINGS_ALIKE, _LOWEST_TOP = 1.8, 0.7
# What is missing of a core, as ln: by so much and by so many sigma. One or two stars
# must be plainly cut off, and be seen to be flat.
_MANY, _MISSING, _SIGMA = 3, 0.08, 4.0
_PLAINLY_MISSING, _PLAIN_SIGMA = 0.12, 5.0
_ALSO_PREDICTED = 0.5
_LEAST_SPREAD, _TELLING = 0.01, 0.02
# The mean of the pixels above half the peak, over the peak: ln 2 / 2 below 1 for a
# Gaussian, less for wider wings; of few pixels it goes with where the middle lies.
_GAUSSIAN, _OF_FEW_PIXELS, _FLATTER = 0.72, 0.25, 0.02
_FEWEST_TO_BE_SEEN, _FEWEST_TO_BE_SURE = 9, 16
_ORDINARY_SIGMA, _MOST_ORDINARY = 2.0, 0.34  # stars that are brighter and yet whole
_EDGE = 0.97
# Half the pixels of a ring are not independent of the weights' median: its error is
# that much larger than a mean's.
_MEDIAN_ERROR: Final = 1.3


@dataclass(frozen=True, slots=True)
class _Tops:
    """Bright stars' tops, shape (n,).

    `peak` is the second highest pixel [ADU], `predicted` the highest by the light about
    the core; `missing` is ln of the core's light by that over its own, `error` its
    1 sigma by noise; `width` counts the pixels above half the peak, `flatness` is
    their mean over the peak.
    """

    peak: FloatArray
    predicted: FloatArray
    missing: FloatArray
    error: FloatArray
    width: FloatArray
    flatness: FloatArray

    def of(self, chosen: BoolArray) -> "_Tops":
        """Some of the stars."""
        return _Tops(*(getattr(self, name)[chosen] for name in self.__slots__))


def flat_top_level(
    pixels: Image, mask: Mask | None, sources: Sources, psf: PsfModel, rms: float
) -> float | None:
    """Height at which the brightest stars are cut off; None where none is.

    What stands about a star's core lets expect the core. In a star at the detector's
    limit light is missing there, more than in the fainter stars of the same frame, and
    its top is flat. Stars are compared with stars, so that neither a flat field, which
    lifts the ceiling in dim corners, nor a scale, a division by the sky, a disc out of
    focus or a point-spread function that saturated stars have spoiled matters. A close
    pair or a galaxy misses light in its core too, but is not flat, and other stars
    stand above it.

    Parameters
    ----------
    pixels : background-subtracted image [ADU]
    sources : brightest first
    psf : as far as it is known; saturated stars may have widened it
    rms : of a pixel of the sky [ADU]; the stars' own noise shows in their spread, and
        the gain need not be known
    """
    tops = _tops(pixels, mask, sources, psf, rms)
    if tops is None or len(tops.peak) <= _FEWEST_ORDINARY:
        return None
    high = tops.peak > tops.peak.max() / _CEILINGS_ALIKE
    if np.count_nonzero(~high) < _FEWEST_ORDINARY:
        return None
    missing, sigma = _compared(tops, ~high)
    flat = _are_flat(tops, ~high)
    seen = tops.width >= _FEWEST_TO_BE_SURE
    cut = high & (flat | ~seen) & (missing > np.maximum(_MISSING, _SIGMA * sigma))
    # of two stars in one the middle is dim, and nothing is expected to stand higher
    cut &= np.log(tops.predicted / tops.peak) > _ALSO_PREDICTED * missing
    if np.count_nonzero(cut) < _MANY:
        cut &= flat & (tops.width >= _FEWEST_TO_BE_SEEN)
        cut &= missing > np.maximum(_PLAINLY_MISSING, _PLAIN_SIGMA * sigma)
    if not cut.any():
        return None
    cut &= tops.peak > _LOWEST_TOP * middle_of(np.sort(tops.peak[cut]))
    whole = high & (missing < _ORDINARY_SIGMA * sigma)
    brighter = whole & (tops.predicted > tops.predicted[cut].min())
    if np.count_nonzero(brighter) > _MOST_ORDINARY * np.count_nonzero(cut):
        return None
    return _EDGE * float(tops.peak[cut].min())


def _compared(tops: _Tops, ordinary: BoolArray) -> tuple[FloatArray, FloatArray]:
    """What is missing beyond the ordinary stars' median, and its 1 sigma."""
    weight = 1 / (tops.error[ordinary] ** 2 + _TELLING**2)
    usual = _weighted_median(tops.missing[ordinary], weight)
    off = np.abs(tops.missing[ordinary] - usual)
    spread = max(1.4826 * _weighted_median(off, weight), _LEAST_SPREAD)
    return tops.missing - usual, np.hypot(spread, tops.error)


def _are_flat(tops: _Tops, ordinary: BoolArray) -> BoolArray:
    """Say whose pixels above half the peak are nearer to it than a star's are."""
    least = _GAUSSIAN + _OF_FEW_PIXELS / np.sqrt(tops.width)
    wide = np.sort(tops.width[ordinary])
    if middle_of(wide) >= _FEWEST_TO_BE_SEEN:  # a disc out of focus is flat by itself
        usual = middle_of(np.sort(tops.flatness[ordinary]))
        least = np.maximum(least, usual + _FLATTER)
    flat: BoolArray = tops.flatness > least
    return flat


def _tops(
    pixels: Image, mask: Mask | None, sources: Sources, psf: PsfModel, rms: float
) -> _Tops | None:
    """Look at the brightest stars; None where none is bright."""
    bright = np.flatnonzero(sources.peak > _BRIGHT_SIGMA * rms)
    bright = bright[:_MOST_STARS]
    if not len(bright):
        return None
    x, y = sources.x[bright], sources.y[bright]
    inner = max(_CORE_FWHM * psf.fwhm_px, _SMALLEST_CORE_PX)
    outer = max(_RING_FWHM * psf.fwhm_px, _SMALLEST_RING_PX)
    at = places(x, y, int(np.ceil(outer)))
    good, data = usable_pixels(at, pixels, mask), cut_out(at, pixels)
    light = np.maximum(psf.stamps(x, y, at.half), 0.0)
    offset = np.arange(-at.half, at.half + 1)
    distance = np.hypot(
        (offset - (y - at.row)[:, None])[:, :, None],
        (offset - (x - at.column)[:, None])[:, None, :],
    )
    good &= (distance <= outer) & (light > 0)
    core = good & (distance <= inner)
    flux, flux_error = _light_of_ring(data, light, good & ~core, rms)
    own, model = dot(core, data), dot(core, light)
    whole = (flux > 0) & (own > 0) & (model > 0)
    # the second highest: a cosmic ray's pixel is no peak
    peak = np.sort(np.where(good, data, 0.0).reshape(len(x), -1), axis=1)[:, -2]
    above = good & (data > 0.5 * peak[:, None, None])
    width = np.maximum(np.count_nonzero(above, axis=(1, 2)), 1).astype(np.float64)
    level = dot(above, np.minimum(data, peak[:, None, None])) / width
    core_error = rms * np.sqrt(np.count_nonzero(core, axis=(1, 2)))
    with np.errstate(divide="ignore", invalid="ignore"):
        tops = _Tops(
            peak,
            flux * light.max(axis=(1, 2)),
            np.log(flux * model / own),
            np.hypot(core_error / own, flux_error / flux),
            width,
            level / peak,
        )
        return tops.of(whole & (peak > 0) & (tops.error < _LARGEST_ERROR))


def _light_of_ring(
    data: FloatArray, light: FloatArray, ring: BoolArray, rms: float
) -> tuple[FloatArray, FloatArray]:
    """Flux of each star by the median over its ring, and its error [ADU].

    The median, weighed with the light, leaves out a neighbour in less than half of it.
    """
    weight = np.where(ring, light, 0.0)
    each = np.where(ring, data / np.where(ring, light, 1.0), 0.0)
    total = np.maximum(weight.sum(axis=(1, 2)), 1e-30)
    flux = np.array(
        [
            _weighted_median(values[inside], part[inside]) if inside.any() else 0.0
            for values, part, inside in zip(each, weight, ring, strict=True)
        ]
    )
    return flux, _MEDIAN_ERROR * rms * np.sqrt(
        np.count_nonzero(ring, axis=(1, 2))
    ) / total


def _weighted_median(values: FloatArray, weight: FloatArray) -> float:
    """Lowest value at which half of the weight is reached."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(reached, 0.5 * reached[-1])])
