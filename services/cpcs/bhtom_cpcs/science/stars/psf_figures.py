"""What the stars look like beside the fitted point-spread function, as numbers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.stars.psf_stars import PsfStars, combine, project

FloatArray = npt.NDArray[np.float64]

_STEP_PX = 0.5


@dataclass(frozen=True, slots=True)
class PsfFigures:
    """Mean light of the PSF's stars.

    Attributes
    ----------
    radius_px : distances from the centre, shape (n,)
    growth, model_growth : share of a star's light within them, stars and PSF
    profile, model_profile : brightness there of a star of flux 1, stars and PSF [1/px]
    residual : mean star minus PSF in units of the PSF's peak, shape (side, side)
    """

    radius_px: FloatArray
    growth: FloatArray
    model_growth: FloatArray
    profile: FloatArray
    model_profile: FloatArray
    residual: FloatArray


def figures_of(
    stars: PsfStars,
    light: FloatArray,
    gradients: tuple[FloatArray, FloatArray],
) -> PsfFigures:
    """Average the stars, each scaled to flux 1, about their centres.

    Parameters
    ----------
    light, gradients : the PSF's stamps of the stars and their derivatives
    """
    basis = (light, *gradients, np.ones_like(light))
    factors = project(stars.weight, basis, stars.data)
    flux = np.maximum(factors[:, 0], 1e-6)[:, None, None]
    left = (stars.data - combine(factors, basis)) / flux
    star = light + left
    half = stars.at.half
    offset = np.arange(-half, half + 1)
    distance = np.hypot(
        (offset - stars.offset[1][:, None])[:, :, None],
        (offset - stars.offset[0][:, None])[:, None, :],
    )
    good = stars.weight > 0
    radius = np.arange(_STEP_PX, half, _STEP_PX)
    growth, model_growth = np.empty(len(radius)), np.empty(len(radius))
    profile, model_profile = np.empty(len(radius)), np.empty(len(radius))
    for number, limit in enumerate(radius):
        inside = distance <= limit
        growth[number] = np.median(np.sum(star * inside, axis=(1, 2)))
        model_growth[number] = np.median(np.sum(light * inside, axis=(1, 2)))
        ring = good & (np.abs(distance - limit) < 0.5 * _STEP_PX)
        if ring.any():
            profile[number] = np.median(star[ring])
            model_profile[number] = np.median(light[ring])
        else:
            profile[number] = model_profile[number] = np.nan
    peak = float(np.median(light.max(axis=(1, 2))))
    return PsfFigures(
        radius_px=radius,
        growth=growth,
        model_growth=model_growth,
        profile=profile,
        model_profile=model_profile,
        residual=np.median(np.where(good, left, 0.0), axis=0) / peak,
    )
