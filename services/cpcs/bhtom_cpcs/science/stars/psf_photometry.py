"""Fluxes at fixed positions: all stars' images fitted at once, each with its sky.

The one estimator of the suite, for comparison stars and targets alike.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.stars.aperture_flux import aperture_fluxes
from bhtom_cpcs.science.stars.blends import variance_growth
from bhtom_cpcs.science.stars.detection import Sources
from bhtom_cpcs.science.stars.fit_quality import StarFit, fit_quality
from bhtom_cpcs.science.stars.hidden_stars import (
    hidden_stars,
    is_crowded,
    still_stars,
    with_hidden,
)
from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.stars.psf_refinement import refined_psf
from bhtom_cpcs.science.stars.scene_fit import ROUNDS_BLENDED, SceneFit
from bhtom_cpcs.science.stars.stamps import dot

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Usable = Callable[[Sources], BoolArray]

_COMPLETE_COVERAGE = 0.98
_MOST_VALUES = 8_000_000
# The brightest of so many sources carry a zero point as well as all of them do; in a
# crowd everybody is somebody's neighbour, and all are fitted.
_ENOUGH_SOURCES = 2500
# Rounds of the fit that shows what else is there, and of those after each look: stars
# that are taken out show others that they hid.
_QUICK_ROUNDS, _LOOKS = 3, (3, ROUNDS_BLENDED)


@dataclass(frozen=True, slots=True)
class PsfFluxes:
    """Fitted fluxes, one element a position; NaN where nothing could be measured.

    Attributes
    ----------
    flux : total light within the PSF's normalisation radius [ADU]
    error : 1 sigma, all of the following in quadrature [ADU]
    photon_error : the star's own photons
    sky_error : sky and neighbours' photons, local sky level, pixel correlation
    read_error : the detector's read noise; 0 where it is not known apart
    blend_error : what fitting the neighbours too adds
    empty_error : 1 sigma of the flux of a place here that has no star: the limit [ADU]
    background, background_error : sky above the subtracted background [ADU/px]
    chi2, noise_share, misfit, core, core_error : see `FitQuality`
    coverage : share of the star's weight that lies on good pixels, 0 to 1
    neighbour_flux : light of the other fitted stars that would pass for this one's if
        they had not been fitted too [ADU]
    optimal_flux, optimal_error : the same light weighed for a faint star whatever its
        brightness (Naylor 1998, MNRAS 296, 339): tells of a PSF that does not fit [ADU]
    aperture_flux, aperture_error : the light in an aperture of 1 FWHM, divided by
        `aperture_share`, the part of a star's light in it by the growth curve [ADU]
    complete : nothing of the star's core is masked or off the image
    """

    flux: FloatArray
    error: FloatArray
    photon_error: FloatArray
    sky_error: FloatArray
    read_error: FloatArray
    blend_error: FloatArray
    empty_error: FloatArray
    background: FloatArray
    background_error: FloatArray
    chi2: FloatArray
    noise_share: FloatArray
    misfit: FloatArray
    core: FloatArray
    core_error: FloatArray
    coverage: FloatArray
    neighbour_flux: FloatArray
    optimal_flux: FloatArray
    optimal_error: FloatArray
    aperture_flux: FloatArray
    aperture_error: FloatArray
    aperture_share: FloatArray
    complete: BoolArray

    def star_fit(self, star: int) -> StarFit:
        """How well one of them is fitted."""
        return StarFit(
            chi2=float(self.chi2[star]),
            noise_share=float(self.noise_share[star]),
            misfit=float(self.misfit[star]),
            core=float(self.core[star]),
            core_error=float(self.core_error[star]),
        )


@dataclass(frozen=True, slots=True)
class FittedSources:
    """Sources at their fitted places, brightest first, and their fluxes in this order.

    Those that were hidden are among them. `psf` is what they were fitted with.
    """

    sources: Sources
    fluxes: PsfFluxes
    psf: PsfModel


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
        return _spread_out(len(x), index, None)
    fit = SceneFit(pixels, mask, psf, noise, x[index], y[index])
    fit.run()
    return _spread_out(len(x), index, _fluxes(fit))


def fit_sources(
    pixels: Image,
    mask: Mask | None,
    psf: PsfModel,
    noise: PixelNoise,
    sources: Sources,
    usable: Usable = _all_usable,
) -> FittedSources:
    """Fit positions and fluxes of detected sources together, and of hidden ones.

    Like `fit_positions`, but sources above 5 sigma move to where their image is, at
    most half a FWHM from where they were found. In a crowd, stars that show when the
    known ones are taken out are added, everything is fitted again, and what then is
    below 4 sigma or has moved onto a brighter one is no star; and the PSF is made again
    from stars without their neighbours. Of too many sources the faintest keep their
    place and get no flux.

    `usable` says which sources are whole and unsaturated, for the PSF.
    """
    if is_crowded(len(sources), pixels.shape, psf.fwhm_px):
        sources, psf = _searched(pixels, mask, psf, noise, sources, usable)
    fit, sources = _fit_sources(pixels, mask, psf, noise, sources)
    found = None if fit is None else _fluxes(fit)
    index = np.arange(0 if fit is None else len(fit.x))
    return FittedSources(sources, _spread_out(len(sources), index, found), psf)


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
        left_over = fit.whole_left_over()
        hidden = hidden_stars(pixels, left_over, mask, noise, psf.fwhm_px)
        psf = refined_psf(pixels, mask, fitted, usable(fitted), fit, noise)
        more = with_hidden(stars, hidden, psf.fwhm_px)
        del fit, left_over  # their pixels take as much room as the next fit's
        fit, fitted = _fit_sources(pixels, mask, psf, noise, more, rounds)
        stars = _stars_among(fitted, fit, psf.fwhm_px)
    if fit is not None:
        psf = refined_psf(pixels, mask, fitted, usable(fitted), fit, noise)
    return stars, psf


def _stars_among(sources: Sources, fit: SceneFit | None, fwhm_px: float) -> Sources:
    if fit is None:
        return sources
    fluxes = _fluxes(fit)
    real = np.ones(len(sources), dtype=bool)
    real[: len(fit.x)] = still_stars(fit.x, fit.y, fluxes.flux, fluxes.error, fwhm_px)
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


def _fluxes(fit: SceneFit) -> PsfFluxes:
    """Fluxes with their errors, split into what makes them."""
    noise, information, flux = fit.noise, fit.information, fit.flux[:, None, None]
    everyone = np.arange(len(fit.x))
    correlated = noise.correlation**2
    growth = variance_growth(fit.matrix, fit.pairs)
    model = fit.model()
    weight = fit.weight(model, everyone)
    weighed = weight * fit.profile
    square = dot(weighed, weighed) / information**2
    own = flux * fit.light
    photon = dot(weighed, weighed, np.maximum(own, 0.0))
    photon /= noise.gain_e_per_adu * information**2
    level = dot(weighed) / information * fit.sky.error
    sky = np.maximum(1 / information - photon, 0.0) * correlated
    read = np.zeros_like(sky)
    if noise.read_noise_e is not None and not noise.empirical:
        read = (noise.read_noise_e / noise.gain_e_per_adu) ** 2 * square
        read = np.minimum(read, 0.99 * sky)
    blend = (growth - 1) * (photon + sky)
    variance = photon + sky + level**2 + blend
    left = fit.left()
    quality = fit_quality(fit, left, model)
    pixel_variance = noise.variance(np.maximum(model, 0.0))
    optimal, optimal_variance = _optimal(fit, left, pixel_variance)
    aperture = aperture_fluxes(fit, left, pixel_variance)
    others = dot(weighed, model - own) / information
    nothing = np.where(fit.measured, 0.0, np.nan)
    return PsfFluxes(
        flux=fit.flux + nothing,
        error=np.sqrt(variance) + nothing,
        photon_error=np.sqrt(photon) + nothing,
        sky_error=np.sqrt(sky - read + level**2) + nothing,
        read_error=np.sqrt(read) + nothing,
        blend_error=np.sqrt(blend) + nothing,
        empty_error=_empty_error(fit, model - own, growth) + nothing,
        background=fit.sky.level + nothing,
        background_error=fit.sky.error + nothing,
        chi2=quality.chi2 + nothing,
        noise_share=quality.noise_share + nothing,
        misfit=quality.misfit + nothing,
        core=quality.core + nothing,
        core_error=quality.core_error + nothing,
        coverage=fit.coverage,
        neighbour_flux=others + nothing,
        optimal_flux=optimal + nothing,
        optimal_error=np.sqrt(correlated * optimal_variance + level**2 + blend),
        aperture_flux=aperture.flux + nothing,
        aperture_error=np.sqrt(correlated * aperture.variance + blend),
        aperture_share=aperture.share,
        complete=fit.coverage > _COMPLETE_COVERAGE,
    )


def _optimal(
    fit: SceneFit, left: FloatArray, variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Flux and variance by Naylor's weights, neighbours taken out."""
    mask = fit.profile * fit.good
    area = dot(mask, fit.profile)
    area = np.where(area > 0, area, 1.0)
    flux = fit.flux + dot(mask, left) / area
    return flux, dot(mask, mask, variance) / area**2


def _empty_error(fit: SceneFit, others: FloatArray, growth: FloatArray) -> FloatArray:
    """1 sigma error of the flux if no star were at the position [ADU]."""
    weight = fit.weight(others, np.arange(len(fit.x)))
    weighed = weight * fit.profile
    information = dot(weighed, fit.profile)
    information = np.where(fit.measured, information, 1.0)
    level = dot(weighed) / information * fit.sky.error
    variance = fit.noise.correlation**2 * growth / information + level**2
    error: FloatArray = np.sqrt(variance)
    return error


def _spread_out(
    count: int, index: npt.NDArray[np.intp], found: PsfFluxes | None
) -> PsfFluxes:
    """Put the fitted positions' values where they belong among all positions."""
    columns = {}
    for name in PsfFluxes.__dataclass_fields__:
        if name == "complete":
            column = np.zeros(count, dtype=bool)
        elif name == "coverage":
            column = np.zeros(count)
        else:
            column = np.full(count, np.nan)
        if found is not None:
            column[index] = getattr(found, name)
        columns[name] = column
    return PsfFluxes(**columns)
