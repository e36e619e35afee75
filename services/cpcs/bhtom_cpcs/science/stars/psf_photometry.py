"""Fluxes at fixed positions: all stars' images fitted at once, each with its sky.

The one estimator of the suite, for comparison stars and targets alike.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.gain import StarsGain
from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.stars.detection import Sources
from bhtom_cpcs.science.stars.hidden_stars import (
    hidden_stars,
    is_crowded,
    still_stars,
    with_hidden,
)
from bhtom_cpcs.science.stars.light_noise import light_noise
from bhtom_cpcs.science.stars.psf_fluxes import (
    PsfFluxes,
    fluxes_and_errors,
    fluxes_of,
    spread_out,
)
from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.stars.psf_refinement import refined_psf
from bhtom_cpcs.science.stars.scene_fit import ROUNDS_BLENDED, SceneFit

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Usable = Callable[[Sources], BoolArray]

_MOST_VALUES = 8_000_000
# The brightest of so many sources carry a zero point as well as all of them do; in a
# crowd everybody is somebody's neighbour, and all are fitted.
_ENOUGH_SOURCES = 2500
_ALONE = 0.1  # neighbours' light that would pass for a star's own, as a part of it
# Rounds of the fit that shows what else is there, and of those after each look: stars
# that are taken out show others that they hid.
_QUICK_ROUNDS, _LOOKS = 3, (3, ROUNDS_BLENDED)


@dataclass(frozen=True, slots=True)
class FittedSources:
    """Sources at their fitted places, brightest first, and their fluxes in this order.

    Those that were hidden are among them. `psf` is what they were fitted with,
    `stars_gain` what the noise of their light tells of the gain, where it was asked.
    """

    sources: Sources
    fluxes: PsfFluxes
    psf: PsfModel
    stars_gain: StarsGain | None = None


def _all_usable(sources: Sources) -> BoolArray:
    return np.ones(len(sources), dtype=bool)


def fit_positions(
    pixels: Image,
    mask: Mask | None,
    psf: PsfModel,
    noise: PixelNoise,
    x: FloatArray,
    y: FloatArray,
) -> PsfFluxes:
    """Fit the fluxes of stars at fixed positions, neighbours simultaneously.

    Weighted least squares over the pixels within the PSF's fit radius of any star.
    The weights follow the model's light, never the data's, which would bias faint
    fluxes low. The sky under each star is the clipped mean of an annulus after all
    fitted stars have been taken out.

    Parameters
    ----------
    pixels : background-subtracted image, shape (height, width) [ADU]
    mask : unusable pixels, same shape
    x, y : zero-based positions, shape (n,) [px]; NaN and places off the image give NaN

    Returns
    -------
    PsfFluxes
        In the order of the positions. Errors are those of the linear fit at these
        positions: photon noise, sky, blending; not the error of the position.
    """
    height, width = pixels.shape
    reach = psf.fit_radius_px
    with np.errstate(invalid="ignore"):
        near = (x > -reach) & (x < width - 1 + reach)
        near &= (y > -reach) & (y < height - 1 + reach)
    index = np.flatnonzero(near)
    if not len(index):
        return spread_out(len(x), index, None)
    fit = SceneFit(pixels, mask, psf, noise, x[index], y[index])
    fit.run()
    return spread_out(len(x), index, fluxes_of(fit))


def fit_sources(
    pixels: Image,
    mask: Mask | None,
    psf: PsfModel,
    noise: PixelNoise,
    sources: Sources,
    usable: Usable = _all_usable,
    *,
    ask_noise: bool = False,
) -> FittedSources:
    """Fit positions and fluxes of detected sources together, and of hidden ones.

    Like `fit_positions`, but sources above 5 sigma move to where their image is, at
    most half a FWHM from where they were found. In a crowd, stars that show when the
    known ones are taken out are added, everything is fitted again, and what then is
    below 4 sigma or has moved onto a brighter one is no star; and the PSF is made again
    from stars without their neighbours. Of too many sources the faintest keep their
    place and get no flux.

    `usable` says which sources are whole and unsaturated, for the PSF and for the
    noise of their light.
    """
    if is_crowded(len(sources), pixels.shape, psf.fwhm_px):
        sources, psf = _searched(pixels, mask, psf, noise, sources, usable)
    fit, sources = _fit_sources(pixels, mask, psf, noise, sources)
    if fit is None:
        nothing = np.arange(0)
        return FittedSources(sources, spread_out(len(sources), nothing, None), psf)
    found, index = fluxes_of(fit), np.arange(len(fit.x))
    stars_gain = None
    if ask_noise:
        with np.errstate(invalid="ignore"):
            alone = np.abs(found.neighbour_flux) < _ALONE * found.flux
        stars_gain = light_noise(fit, usable(sources)[index] & alone)
    fluxes = spread_out(len(sources), index, found)
    return FittedSources(sources, fluxes, psf, stars_gain)


def _searched(
    pixels: Image,
    mask: Mask | None,
    psf: PsfModel,
    noise: PixelNoise,
    sources: Sources,
    usable: Usable,
) -> tuple[Sources, PsfModel]:
    """Add the stars that show in what is left; take out what then is none."""
    fit, fitted = _fit_sources(pixels, mask, psf, noise, sources, _QUICK_ROUNDS)
    stars = fitted
    for rounds in _LOOKS:
        if fit is None:
            break
        fwhm_px = psf.fwhm_px
        psf = refined_psf(pixels, mask, fitted, usable(fitted), fit, noise)
        left_over = fit.whole_left_over()
        fit = None  # its stamps would take as much room again as the next fit's
        hidden = hidden_stars(pixels, left_over, mask, noise, fwhm_px)
        del left_over
        more = with_hidden(stars, hidden, psf.fwhm_px)
        fit, fitted = _fit_sources(pixels, mask, psf, noise, more, rounds)
        stars = _stars_among(fitted, fit, psf.fwhm_px)
    if fit is not None:
        psf = refined_psf(pixels, mask, fitted, usable(fitted), fit, noise)
    return stars, psf


def _stars_among(sources: Sources, fit: SceneFit | None, fwhm_px: float) -> Sources:
    if fit is None:
        return sources
    real = np.ones(len(sources), dtype=bool)
    real[: len(fit.x)] = still_stars(fit.x, fit.y, *fluxes_and_errors(fit), fwhm_px)
    return sources.of(real)


def _fit_sources(
    pixels: Image,
    mask: Mask | None,
    psf: PsfModel,
    noise: PixelNoise,
    sources: Sources,
    rounds: int = ROUNDS_BLENDED,
) -> tuple[SceneFit | None, Sources]:
    side = 2 * int(np.ceil(psf.fit_radius_px)) + 1
    most = _MOST_VALUES // side**2
    if not is_crowded(len(sources), pixels.shape, psf.fwhm_px):
        most = min(most, _ENOUGH_SOURCES)
    index = np.arange(min(len(sources), most))
    if not len(index):
        return None, sources
    start = sources.x[index], sources.y[index]
    fit = SceneFit(pixels, mask, psf, noise, *start, move=True)
    fit.run(rounds)
    x, y = sources.x.copy(), sources.y.copy()
    x[index], y[index] = fit.x, fit.y
    return fit, replace(sources, x=x, y=y)
