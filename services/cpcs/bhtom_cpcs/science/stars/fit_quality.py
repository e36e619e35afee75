"""How well the model of a star's image fits its pixels."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.stars.scene_fit import SceneFit
from bhtom_cpcs.science.stars.stamps import dot

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]

# What a pixel of the model may be wrong by before a star counts as badly fitted.
MODEL_ERROR: Final = 0.03
# Where an image is cut off first, and where its light tells what stood there.
_CORE_FWHM, _SMALLEST_CORE_PX = 0.5, 0.9
_RING_FWHM, _SMALLEST_RING_PX = 1.5, 3.0


@dataclass(frozen=True, slots=True)
class FitQuality:
    """What a fit leaves of its stars, one element a star.

    Attributes
    ----------
    chi2 : reduced chi-square of the fitted pixels, 3 % of the star's own light in each
        allowed for what a PSF is wrong by
    noise_share : mean part that noise has in what is allowed, from 0 (a bright star)
        to 1
    misfit : what the flux would change by if all that is left had one sign [ADU]
    core, core_error : light within 0.5 FWHM over what the pixels from there to 1.5 FWHM
        let expect, minus 1, and its 1 sigma error by the noise
    """

    chi2: FloatArray
    noise_share: FloatArray
    misfit: FloatArray
    core: FloatArray
    core_error: FloatArray


@dataclass(frozen=True, slots=True)
class StarFit:
    """One star's values of `FitQuality`."""

    chi2: float
    noise_share: float
    misfit: float
    core: float
    core_error: float


def fit_quality(
    fit: SceneFit, who: IndexArray, left: FloatArray, model: FloatArray
) -> FitQuality:
    """Compare what a fit leaves of some stars with what noise and a model allow.

    Parameters
    ----------
    who : numbers of the stars, shape (n,)
    left : what the fit left in their stamps, shape (n, side, side) [ADU]
    model : the light of all stars in them, same shape [ADU]
    """
    light = fit.light[who]
    own = fit.flux[who, None, None] * light
    weight = fit.weight(model, who) * (fit.profile[who] > 0)
    noise = 1 / (1 + weight * (MODEL_ERROR * own) ** 2)
    uncertain = weight * noise
    count = np.count_nonzero(weight, axis=(1, 2))
    known = dot(uncertain, light, light)
    misfit = dot(uncertain, np.maximum(light, 0.0), np.abs(left))
    return FitQuality(
        dot(uncertain, left, left) / np.maximum(count - 1, 1),
        dot(noise, weight > 0) / np.maximum(count, 1),
        misfit / np.where(known > 0, known, 1.0),
        *_core(fit, who, left, own, weight),
    )


def _core(
    fit: SceneFit,
    who: IndexArray,
    left: FloatArray,
    own: FloatArray,
    weight: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Light of the core beside that of the ring about it, and its error."""
    offset = np.arange(-fit.at.half, fit.at.half + 1)
    dx, dy = (offset - axis[who, None] for axis in fit.offset)
    distance = np.sqrt(dy[:, :, None] ** 2 + dx[:, None, :] ** 2)
    inner = max(_CORE_FWHM * fit.psf.fwhm_px, _SMALLEST_CORE_PX)
    outer = max(_RING_FWHM * fit.psf.fwhm_px, _SMALLEST_RING_PX)
    good = weight > 0
    variance = np.where(good, 1 / np.where(good, weight, 1.0), 0.0)
    ratio, square = np.zeros(len(who)), np.zeros(len(who))
    core, ring = distance <= inner, (distance > inner) & (distance <= outer)
    for part, sign in ((core, 1.0), (ring, -1.0)):
        factor = own * part * good
        area = dot(factor, own)
        area = np.where(area > 0, area, 1.0)
        ratio += sign * dot(factor, left) / area
        square += dot(factor, factor, variance) / area**2
    return ratio, np.sqrt(square)
