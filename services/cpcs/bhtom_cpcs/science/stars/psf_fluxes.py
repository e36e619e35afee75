"""What a fit of a scene tells of its stars: fluxes, and errors by what makes them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.stars.aperture_flux import aperture_fluxes
from bhtom_cpcs.science.stars.blends import variance_growth
from bhtom_cpcs.science.stars.fit_quality import StarFit, fit_quality
from bhtom_cpcs.science.stars.scene_fit import SceneFit
from bhtom_cpcs.science.stars.stamps import dot

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

_COMPLETE_COVERAGE = 0.98


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
class _Parts:
    """Some stars' stamps of light and weights, and the variances that they give."""

    who: IndexArray
    model: FloatArray
    own: FloatArray
    weighed: FloatArray
    photon: FloatArray
    sky: FloatArray
    level: FloatArray
    blend: FloatArray
    growth: FloatArray

    @property
    def error(self) -> FloatArray:
        """1 sigma error of the flux [ADU]."""
        variance = self.photon + self.sky + self.level**2 + self.blend
        error: FloatArray = np.sqrt(variance)
        return error


def fluxes_of(fit: SceneFit) -> PsfFluxes:
    """Fluxes with their errors, split into what makes them."""
    growth = variance_growth(fit.matrix, fit.pairs)
    columns: dict[str, npt.NDArray[np.generic]] = {}
    for who in fit.blocks():
        some = _fluxes_of(fit, _parts(fit, who, growth[who]))
        for name in PsfFluxes.__dataclass_fields__:
            value = getattr(some, name)
            column = columns.setdefault(name, np.empty(len(fit.x), value.dtype))
            column[who] = value
    return PsfFluxes(**columns)  # type: ignore[arg-type]


def fluxes_and_errors(fit: SceneFit) -> tuple[FloatArray, FloatArray]:
    """Fluxes and errors as `fluxes_of` has them, without all else that it tells."""
    growth = variance_growth(fit.matrix, fit.pairs)
    error = np.empty(len(fit.x))
    for who in fit.blocks():
        error[who] = _parts(fit, who, growth[who]).error
    nothing = np.where(fit.measured, 0.0, np.nan)
    return fit.flux + nothing, error + nothing


def _parts(fit: SceneFit, who: IndexArray, growth: FloatArray) -> _Parts:
    information, noise = fit.information[who], fit.noise
    model = fit.model(who)
    weighed = fit.weight(model, who) * fit.profile[who]
    own = fit.flux[who, None, None] * fit.light[who]
    photon = dot(weighed, weighed, np.maximum(own, 0.0))
    photon /= noise.gain_e_per_adu * information**2
    sky = np.maximum(1 / information - photon, 0.0) * noise.correlation**2
    return _Parts(
        who=who,
        model=model,
        own=own,
        weighed=weighed,
        photon=photon,
        sky=sky,
        level=dot(weighed) / information * fit.sky.error[who],
        blend=(growth - 1) * (photon + sky),
        growth=growth,
    )


def _fluxes_of(fit: SceneFit, parts: _Parts) -> PsfFluxes:
    who, model, sky, blend = parts.who, parts.model, parts.sky, parts.blend
    noise, information = fit.noise, fit.information[who]
    read = np.zeros_like(sky)
    if noise.read_noise_e is not None and not noise.empirical:
        square = dot(parts.weighed, parts.weighed) / information**2
        read = (noise.read_noise_e / noise.gain_e_per_adu) ** 2 * square
        read = np.minimum(read, 0.99 * sky)
    left = fit.left(who)
    quality = fit_quality(fit, who, left, model)
    pixel_variance = noise.variance(np.maximum(model, 0.0))
    optimal, optimal_variance = _optimal(fit, who, left, pixel_variance)
    aperture = aperture_fluxes(fit, who, left, pixel_variance)
    correlated, shared = noise.correlation**2, parts.level**2 + blend
    others = dot(parts.weighed, model - parts.own) / information
    nothing = np.where(fit.measured[who], 0.0, np.nan)
    return PsfFluxes(
        flux=fit.flux[who] + nothing,
        error=parts.error + nothing,
        photon_error=np.sqrt(parts.photon) + nothing,
        sky_error=np.sqrt(sky - read + parts.level**2) + nothing,
        read_error=np.sqrt(read) + nothing,
        blend_error=np.sqrt(blend) + nothing,
        empty_error=_empty_error(fit, parts) + nothing,
        background=fit.sky.level[who] + nothing,
        background_error=fit.sky.error[who] + nothing,
        chi2=quality.chi2 + nothing,
        noise_share=quality.noise_share + nothing,
        misfit=quality.misfit + nothing,
        core=quality.core + nothing,
        core_error=quality.core_error + nothing,
        coverage=fit.coverage[who],
        neighbour_flux=others + nothing,
        optimal_flux=optimal + nothing,
        optimal_error=np.sqrt(correlated * optimal_variance + shared),
        aperture_flux=aperture.flux + nothing,
        aperture_error=np.sqrt(correlated * aperture.variance + blend),
        aperture_share=aperture.share,
        complete=fit.coverage[who] > _COMPLETE_COVERAGE,
    )


def _optimal(
    fit: SceneFit, who: IndexArray, left: FloatArray, variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Flux and variance by Naylor's weights, neighbours taken out."""
    mask = fit.profile[who] * fit.good[who]
    area = dot(mask, fit.profile[who])
    area = np.where(area > 0, area, 1.0)
    flux = fit.flux[who] + dot(mask, left) / area
    return flux, dot(mask, mask, variance) / area**2


def _empty_error(fit: SceneFit, parts: _Parts) -> FloatArray:
    """1 sigma error of the flux if no star were at the position [ADU]."""
    who = parts.who
    weight = fit.weight(parts.model - parts.own, who)
    weighed = weight * fit.profile[who]
    information = dot(weighed, fit.profile[who])
    information = np.where(fit.measured[who], information, 1.0)
    level = dot(weighed) / information * fit.sky.error[who]
    variance = fit.noise.correlation**2 * parts.growth / information + level**2
    error: FloatArray = np.sqrt(variance)
    return error


def spread_out(count: int, index: IndexArray, found: PsfFluxes | None) -> PsfFluxes:
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
