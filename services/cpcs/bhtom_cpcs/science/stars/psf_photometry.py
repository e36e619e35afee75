"""Fluxes at fixed positions: all stars' images fitted at once, each with its sky.

The one estimator of the suite, for comparison stars and targets alike.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.fits_input import Image, Mask
from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.stars.blends import (
    Pairs,
    correlations,
    overlapping,
    overlaps,
    solve,
    variance_growth,
)
from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.stars.residual_sky import LocalSky, annulus_radii, residual_sky
from bhtom_cpcs.science.stars.stamps import (
    Places,
    cut_out,
    places,
    subtract,
    usable_pixels,
)

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_ROUNDS_ALONE, _ROUNDS_BLENDED = 2, 4
# Wings beyond the fitted pixels are taken out where they reach this part of the noise.
_WING_RMS = 0.03
# Less of the star's weight on good pixels than this measures nothing.
_FEWEST_COVERAGE = 0.1
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
    chi2 : reduced chi-square of the fitted pixels
    coverage : share of the star's weight that lies on good pixels, 0 to 1
    neighbour_flux : light of the other fitted stars that would pass for this one's if
        they had not been fitted too [ADU]
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
    coverage: FloatArray
    neighbour_flux: FloatArray
    complete: BoolArray


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
    fit = _Fit(pixels, mask, psf, noise, x[index], y[index])
    return _spread_out(len(x), index, fit.run())


class _Fit:
    """The state of a fit: what is left of the image, and the fluxes so far."""

    def __init__(
        self,
        pixels: Image,
        mask: Mask | None,
        psf: PsfModel,
        noise: PixelNoise,
        x: FloatArray,
        y: FloatArray,
    ) -> None:
        self.psf, self.noise = psf, noise
        outer = annulus_radii(psf)[1]
        margin = int(max(np.ceil(outer), psf.half_px)) + 2
        left, right = max(int(x.min()) - margin, 0), int(x.max()) + margin + 1
        bottom, top = max(int(y.min()) - margin, 0), int(y.max()) + margin + 1
        part = np.s_[bottom:top, left:right]
        self.left_over: Image = np.array(pixels[part], dtype=np.float32)
        self.mask = None if mask is None else np.ascontiguousarray(mask[part])
        self.x, self.y = x - left, y - bottom
        half = int(np.ceil(psf.fit_radius_px))
        self.at = places(self.x, self.y, half)
        self.light = psf_light = psf.stamps(x, y, half)
        self.profile = psf_light * _circle(self.at, self.x, self.y, psf.fit_radius_px)
        self.good = usable_pixels(self.at, self.left_over, self.mask)
        self.data = cut_out(self.at, self.left_over)
        total = np.sum(self.profile**2, axis=(1, 2))
        self.coverage = np.sum(self.profile**2 * self.good, axis=(1, 2)) / total
        self.measured = self.coverage > _FEWEST_COVERAGE
        self.pairs: Pairs = overlapping(self.x, self.y, 2 * psf.fit_radius_px)
        self.flux = np.zeros(len(x))
        self.sky = LocalSky(np.zeros(len(x)), np.zeros(len(x)))
        self.wings: tuple[Places, FloatArray, npt.NDArray[np.intp]] | None = None

    def run(self) -> PsfFluxes:
        """Fit in rounds: weights and sky follow from the round before."""
        weight = self.good / self.noise.variance(np.zeros(1))[0]
        self._add(self._solved(weight), first=True)
        rounds = _ROUNDS_BLENDED if len(self.pairs) else _ROUNDS_ALONE
        for _ in range(rounds - 1):
            self.sky = residual_sky(
                self.left_over,
                self.mask,
                self.x,
                self.y,
                self.psf,
                self.noise,
            )
            weight = self.good / self._variance(self._model())
            self._add(self._solved(weight))
        return self._answer(weight)

    def _model(self) -> FloatArray:
        """All stars' light and the local sky's excess in the stamps [ADU]."""
        left = cut_out(self.at, self.left_over)
        model: FloatArray = self.data - left
        return model

    def _variance(self, model: FloatArray) -> FloatArray:
        excess = np.maximum(self.sky.level, 0.0)[:, None, None]
        return self.noise.variance(np.maximum(model, 0.0) + excess)

    def _solved(self, weight: FloatArray) -> FloatArray:
        """Change of the fluxes that makes what is left orthogonal to every star."""
        left = cut_out(self.at, self.left_over) - self.sky.level[:, None, None]
        weighed = self.profile * weight
        right = np.sum(weighed * left, axis=(1, 2))
        self.information = np.where(
            self.measured, np.sum(weighed * self.profile, axis=(1, 2)), 1.0
        )
        right = np.where(self.measured, right, 0.0)
        scale = np.sqrt(self.information)
        overlap = overlaps(self.pairs, self.at, self.profile, weight)
        self.matrix = correlations(self.pairs, overlap, self.information)
        if not len(self.pairs):
            return right / self.information
        return solve(self.matrix, right / scale) / scale

    def _add(self, change: FloatArray, *, first: bool = False) -> None:
        """Change the fluxes and take the light out of the image."""
        self.flux = self.flux + change
        if first:
            self._spread_wings()
        inner = change.copy()
        if self.wings is not None:
            at, light, index = self.wings
            subtract(at, light * change[index, None, None], self.left_over)
            inner[index] = 0.0
        chosen = np.flatnonzero(inner)
        subtract(
            self.at.of(chosen),
            self.light[chosen] * inner[chosen, None, None],
            self.left_over,
        )

    def _spread_wings(self) -> None:
        """Make wide stamps for the stars whose wings matter."""
        edge = self.light[:, 0, self.at.half]
        bright = np.flatnonzero(self.flux * edge > _WING_RMS * self.noise.sky_rms_adu)
        if len(bright):
            half = self.psf.half_px
            x, y = self.x[bright], self.y[bright]
            light = self.psf.stamps(x, y, half)
            self.wings = places(x, y, half), light, bright

    def _answer(self, weight: FloatArray) -> PsfFluxes:
        """Fluxes with their errors, split into what makes them."""
        noise, information = self.noise, self.information
        correlated = noise.correlation**2
        growth = variance_growth(self.matrix, self.pairs)
        own = np.maximum(self.flux, 0.0)[:, None, None] * self.light
        weighed = weight * self.profile
        photon = np.sum(weighed**2 * own, axis=(1, 2))
        photon /= noise.gain_e_per_adu * information**2
        level = np.sum(weighed, axis=(1, 2)) / information * self.sky.error
        sky = np.maximum(1 / information - photon, 0.0) * correlated
        read = np.zeros_like(sky)
        if noise.read_noise_e is not None and not noise.empirical:
            one_pixel = (noise.read_noise_e / noise.gain_e_per_adu) ** 2
            read = one_pixel * np.sum(weighed**2, axis=(1, 2)) / information**2
            read = np.minimum(read, 0.99 * sky)
        blend = (growth - 1) * (photon + sky)
        model = self._model()
        empty_weight = self.good / self._variance(np.maximum(model - own, 0.0))
        empty_weighed = empty_weight * self.profile
        empty_information = np.where(
            self.measured, np.sum(empty_weighed * self.profile, axis=(1, 2)), 1.0
        )
        empty_level = np.sum(empty_weighed, axis=(1, 2)) / empty_information
        empty = correlated * growth / empty_information
        empty += (empty_level * self.sky.error) ** 2
        left = cut_out(self.at, self.left_over) - self.sky.level[:, None, None]
        inside = self.profile > 0
        count = np.sum(inside & self.good, axis=(1, 2))
        chi2 = np.sum(weight * inside * left**2, axis=(1, 2)) / np.maximum(count - 1, 1)
        variance = photon + sky + level**2 + blend
        others = np.sum(
            weighed * (model - self.flux[:, None, None] * self.light), (1, 2)
        )
        nothing = np.where(self.measured, 0.0, np.nan)
        return PsfFluxes(
            flux=self.flux + nothing,
            error=np.sqrt(variance) + nothing,
            photon_error=np.sqrt(photon) + nothing,
            sky_error=np.sqrt(sky - read + level**2) + nothing,
            read_error=np.sqrt(read) + nothing,
            blend_error=np.sqrt(blend) + nothing,
            empty_error=np.sqrt(empty) + nothing,
            background=self.sky.level + nothing,
            background_error=self.sky.error + nothing,
            chi2=chi2 + nothing,
            coverage=self.coverage,
            neighbour_flux=others / information + nothing,
            complete=self.coverage > _COMPLETE_COVERAGE,
        )


def _circle(at: Places, x: FloatArray, y: FloatArray, radius: float) -> BoolArray:
    """Which pixels of the stamps lie within the radius of their star."""
    offset = np.arange(-at.half, at.half + 1)
    dx = offset - (x - at.column)[:, None]
    dy = offset - (y - at.row)[:, None]
    inside: BoolArray = dy[:, :, None] ** 2 + dx[:, None, :] ** 2 <= radius**2
    return inside


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
