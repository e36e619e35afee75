"""The light in a small aperture about every star, corrected by the growth curve."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.stars.scene_fit import SceneFit
from bhtom_cpcs.science.stars.stamps import dot

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]

# Near the best signal to noise for any brightness, and wide enough that pixels and
# what is wrong with a centre lose little (measured: 1.11 x the Cramer-Rao bound).
_RADIUS_FWHM, _SMALLEST_RADIUS_PX = 1.0, 1.5


@dataclass(frozen=True, slots=True)
class ApertureFluxes:
    """Total light from an aperture, one element a star.

    `flux` [ADU] and its `variance` [ADU^2], without what all of a star's estimators
    share; `share` of a star's light in the aperture, which both are divided by.
    """

    flux: FloatArray
    variance: FloatArray
    share: FloatArray


def aperture_radius_px(psf: PsfModel) -> float:
    """Radius of the aperture in a frame of this point-spread function [px]."""
    return max(_RADIUS_FWHM * psf.fwhm_px, _SMALLEST_RADIUS_PX)


def aperture_fluxes(
    fit: SceneFit, who: IndexArray, left: FloatArray, variance: FloatArray
) -> ApertureFluxes:
    """Sum stars' light in an aperture, fitted neighbours and the local sky taken out.

    The growth curve is the PSF's at the star's place, times what the measured one of
    the frame's PSF stars differs from their model's by; so stars have on average the
    same flux as by the PSF, and one zero point serves both. Unusable pixels count as
    the model has them.

    Parameters
    ----------
    who : numbers of the stars, shape (n,)
    left : what the fit left in their stamps, shape (n, side, side) [ADU]
    variance : of these pixels, same shape [ADU^2]
    """
    radius = aperture_radius_px(fit.psf)
    offset = np.arange(-fit.at.half, fit.at.half + 1)
    dx, dy = (offset - axis[who, None] for axis in fit.offset)
    distance = np.sqrt(dy[:, :, None] ** 2 + dx[:, None, :] ** 2)
    inside = np.clip(radius + 0.5 - distance, 0.0, 1.0)  # a pixel's part, nearly
    share = dot(inside, fit.light[who])
    usable = inside * fit.good[who]
    total = fit.flux[who] * share + dot(usable, left)
    variance = dot(usable, usable, variance)
    level = dot(usable) * fit.sky.error[who]
    share = np.maximum(share * _growth_ratio(fit.psf, radius), 1e-6)
    return ApertureFluxes(
        flux=total / share, variance=(variance + level**2) / share**2, share=share
    )


def _growth_ratio(psf: PsfModel, radius: float) -> float:
    """Light within a radius of the frame's stars over that of their model."""
    if psf.figures is None:
        return 1.0
    stars, model = (
        np.interp(radius, psf.figures.radius_px, curve)
        for curve in (psf.figures.growth, psf.figures.model_growth)
    )
    return float(stars / model) if stars > 0 and model > 0 else 1.0
