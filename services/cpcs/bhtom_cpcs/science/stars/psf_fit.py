"""Fits the point-spread function of a frame to its bright stars."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.stars.detection import Sources
from bhtom_cpcs.science.stars.effective_psf import (
    EffectivePsf,
    oversampling_for,
    tabulate,
)
from bhtom_cpcs.science.stars.psf_figures import figures_of
from bhtom_cpcs.science.stars.psf_model import (
    PsfModel,
    half_width,
    model_of,
)
from bhtom_cpcs.science.stars.psf_normalisation import (
    PsfNormalisation,
    fit_normalisation,
)
from bhtom_cpcs.science.stars.psf_residual import residual_table
from bhtom_cpcs.science.stars.psf_shape import Shape, total_light
from bhtom_cpcs.science.stars.psf_stars import (
    FEWEST_STARS,
    PsfStars,
    alike,
    choose,
    combine,
    cut_stars,
    fit_each,
    project,
    quiet,
    without_star,
)
from bhtom_cpcs.science.stars.psf_variation import PsfVariation, fit_variation
from bhtom_cpcs.science.stars.stamps import dot

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# A few stars tell the width, and so the stamps that all stars need.
_STARS_A_TURN = (12, 60)
_STEPS_A_TURN = (3, 6)
_STAMP_FWHM, _SMALLEST_STAMP_FWHM_PX = 3.0, 2.0
_PLAUSIBLE = (0.3, 3.0)  # beyond these ratios of widths the stars were not stars
_CONVERGED = 1e-3
# Width, ellipticity along and across, softness: differences for their derivatives.
_DIFFERENCE = (0.01, 0.01, 0.01, 0.01)
_LARGEST_CHANGE = (0.25, 0.2, 0.2, 0.2)
_LARGEST_ELLIPTICITY = 0.8
_SOFTNESS, _SOFTEST = 3, 0.75
_VARYING = 3  # of them change over a frame: all but the softness
_RESIDUAL_TURNS = 2
_APERTURE_FWHM = 2.5


def fit_psf(
    pixels: Image,
    mask: Mask | None,
    sources: Sources,
    usable: BoolArray,
    guess: Shape,
    noise: PixelNoise,
) -> PsfModel:
    """Fit an elliptical Moffat profile to the bright stars; a round one to a few.

    Every star has its own flux, position and sky, which are projected out, so that
    only the form is common (variable projection, Golub & Pereyra 1973).

    Parameters
    ----------
    pixels : background-subtracted image [ADU]
    sources : all detected sources, brightest first
    usable : which of them are whole and unsaturated
    guess : shape to start from, and the answer when no star is good enough
    """
    shape = guess
    stars = None
    for turn, most in enumerate(_STARS_A_TURN):
        half = int(np.ceil(_STAMP_FWHM * max(shape.fwhm_px, _SMALLEST_STAMP_FWHM_PX)))
        index = choose(sources, usable, pixels.shape, shape, half, noise.sky_rms_adu)
        index = index[:most]
        if not len(index):
            break
        place = sources.x[index], sources.y[index]
        cut = cut_stars(pixels, mask, index, place, half, float(half), noise)
        found, stars = fit_shape(cut, shape, noise, _STEPS_A_TURN[turn])
        if not _PLAUSIBLE[0] < found.fwhm_px / guess.fwhm_px < _PLAUSIBLE[1]:
            return model_of(guess, 0)
        shape = found
    if stars is None or len(stars) < FEWEST_STARS:
        return model_of(shape, 0 if stars is None else len(stars))
    return _completed(shape, stars, cut, noise, pixels.shape)


def _completed(
    shape: Shape,
    stars: PsfStars,
    every: PsfStars,
    noise: PixelNoise,
    frame: tuple[int, ...],
) -> PsfModel:
    """Add to the profile what it leaves of the stars, and its change over the frame."""
    half = half_width(shape.fwhm_px)
    oversampling = oversampling_for(shape.axes_px[1])
    light = shape.pixel_light(oversampling, half)
    mean = tabulate(light, oversampling, half)
    for _ in range(_RESIDUAL_TURNS):
        stars = fit_each(stars, mean, noise)
        left = without_star(stars, mean, stars.data)
        table = residual_table(stars, left, oversampling, half, shape.fwhm_px)
        if not table.any():
            break
        light = light + table
        light /= total_light(light, oversampling, half)
        mean = tabulate(light, oversampling, half)
    stars = fit_each(stars, mean, noise)
    like = np.isin(every.index, stars.index)
    variation = _variation(stars, shape, mean, frame)
    model = PsfModel(
        shape, len(stars), float(half), PsfNormalisation(), mean, variation
    )
    light = model.stamps(stars.x, stars.y, stars.at.half)
    gradients = model.gradients(stars.x, stars.y, stars.at.half)
    return replace(
        model,
        normalisation=_normalisation(model, every, like, noise, frame),
        figures=figures_of(stars, light, gradients),
    )


def _variation(
    stars: PsfStars, shape: Shape, mean: EffectivePsf, frame: tuple[int, ...]
) -> PsfVariation | None:
    """Fit width and ellipticity of single stars, then a polynomial through them."""
    table = _table(shape, mean.half, mean.oversampling)
    modes = tuple(_derivatives(shape, table, _VARYING))
    left = without_star(stars, mean, stars.data)
    flux = stars.flux[:, None, None]
    stamps = tuple(
        without_star(stars, mean, flux * mode.stamps(*stars.offset, stars.at.half))
        for mode in modes
    )
    factors = project(stars.weight, stamps, left)
    information = [np.sum(stars.weight * stamp**2, axis=(1, 2)) for stamp in stamps]
    errors = 1 / np.sqrt(np.maximum(np.stack(information, axis=1), 1e-12))
    return fit_variation((stars.x, stars.y), factors, errors, modes, frame)


def _normalisation(
    model: PsfModel,
    stars: PsfStars,
    like: BoolArray,
    noise: PixelNoise,
    frame: tuple[int, ...],
) -> PsfNormalisation:
    """Hold the light in a large aperture against the PSF's fluxes.

    Of all stars, those too that were left out as unlike: where the PSF changes faster
    than its model they are the ones that it does not fit. Without those whose centre
    ran away: two stars in one.
    """
    for _ in range(2):
        stars = fit_each(stars, model.mean, noise)
    light = model.stamps(stars.x, stars.y, stars.at.half)
    gradients = model.gradients(stars.x, stars.y, stars.at.half)
    half = stars.at.half
    offset = np.arange(-half, half + 1)
    distance = np.hypot(
        (offset - stars.offset[1][:, None])[:, :, None],
        (offset - stars.offset[0][:, None])[:, None, :],
    )
    inside = (distance < _APERTURE_FWHM * model.fwhm_px) & (stars.weight > 0)
    whole = np.sum(light * inside, axis=(1, 2))
    basis = (light, *gradients, np.ones_like(light))
    left = stars.data - combine(project(stars.weight, basis, stars.data), basis)
    ratio = np.sum(left * inside, axis=(1, 2)) / (stars.flux * whole)
    variance = np.where(inside, 1 / np.where(inside, stars.weight, 1.0), 0.0)
    error = np.sqrt(np.sum(variance, axis=(1, 2))) / (stars.flux * whole)
    single = stars.at_rest
    return fit_normalisation(
        stars.x[single],
        stars.y[single],
        stars.flux[single],
        ratio[single],
        error[single],
        like[single],
        frame,
    )


def fit_shape(
    stars: PsfStars, shape: Shape, noise: PixelNoise, steps: int
) -> tuple[Shape, PsfStars]:
    """Improve the common shape until it stays."""
    stars = fit_each(stars, _table(shape, stars.at.half), noise)
    for step in range(steps):
        table = _table(shape, stars.at.half)
        stars = fit_each(stars, table, noise)
        if step:
            stars = quiet(stars)
        told = _what_stars_tell(stars, shape, table)
        if step:
            kept = alike(*told.factors())
            stars, told = stars.of(kept), told.of(kept)
        change = told.change()
        shape = _changed(shape, change)
        if np.all(np.abs(change) < _CONVERGED):
            break
    stars = fit_each(stars, _table(shape, stars.at.half), noise)
    return shape, stars


@dataclass(frozen=True, slots=True)
class _Told:
    """What each star says of the shape: normal equations, (n, k, k) and (n, k)."""

    matrix: FloatArray
    right: FloatArray

    def of(self, chosen: BoolArray) -> "_Told":
        """Return what some of the stars say."""
        return _Told(self.matrix[chosen], self.right[chosen])

    def factors(self) -> tuple[FloatArray, FloatArray]:
        """Return ln width and ellipticities by each star alone, and their errors."""
        own = np.diagonal(self.matrix, axis1=1, axis2=2)[:, :_VARYING]
        own = np.maximum(own, 1e-12)
        return self.right[:, :_VARYING] / own, 1 / np.sqrt(own)

    def change(self) -> FloatArray:
        """Gauss-Newton step of the shape parameters, all stars together."""
        matrix, right = self.matrix.sum(axis=0), self.right.sum(axis=0)
        free = len(right)
        matrix[np.arange(free), np.arange(free)] *= 1 + 1e-9
        step = np.zeros(len(_DIFFERENCE))
        if np.all(np.isfinite(matrix)) and np.all(np.diag(matrix) > 0):
            step[:free] = np.linalg.solve(matrix, right)
        limit = np.array(_LARGEST_CHANGE)
        limited: FloatArray = np.clip(step, -limit, limit)
        return limited


def _what_stars_tell(stars: PsfStars, shape: Shape, table: EffectivePsf) -> _Told:
    """Compare each star with the shape and its derivatives."""
    half = stars.at.half
    left = without_star(stars, table, stars.data)
    flux = stars.flux[:, None, None]
    free = len(_DIFFERENCE) if len(stars) >= FEWEST_STARS else 1
    derivatives = [
        without_star(stars, table, flux * mode.stamps(*stars.offset, half))
        for mode in _derivatives(shape, table, free)
    ]
    count = len(stars)
    matrix, right = np.empty((count, free, free)), np.empty((count, free))
    for a, first in enumerate(derivatives):
        weighed = stars.weight * first
        right[:, a] = dot(weighed, left)
        for b, second in enumerate(derivatives[a:], start=a):
            matrix[:, a, b] = matrix[:, b, a] = dot(weighed, second)
    return _Told(matrix, right)


def _derivatives(shape: Shape, table: EffectivePsf, count: int) -> list[EffectivePsf]:
    """Change of a star's light with each of the first shape parameters."""
    found = []
    for number, size in enumerate(_DIFFERENCE[:count]):
        difference = size
        if number == _SOFTNESS and shape.softness + size > _SOFTEST:
            difference = -size  # beyond the limit nothing changes any more
        ahead = np.zeros(len(_DIFFERENCE))
        ahead[number] = difference
        moved = _table(_changed(shape, ahead), table.half, table.oversampling)
        terms = (moved.terms - table.terms) / difference
        found.append(EffectivePsf(table.oversampling, table.half, terms))
    return found


def _changed(shape: Shape, change: FloatArray) -> Shape:
    """Apply changes of ln width, ellipticities and softness within their limits."""
    along, across = shape.along + change[1], shape.across + change[2]
    length = float(np.hypot(along, across))
    if length > _LARGEST_ELLIPTICITY:
        along, across = (
            value * _LARGEST_ELLIPTICITY / length for value in (along, across)
        )
    return replace(
        shape,
        fwhm_px=float(shape.fwhm_px * np.exp(change[0])),
        along=float(along),
        across=float(across),
        softness=float(np.clip(shape.softness + change[3], 0.0, _SOFTEST)),
    )


def _table(shape: Shape, half: int, oversampling: int = 0) -> EffectivePsf:
    oversampling = oversampling or oversampling_for(shape.axes_px[1])
    return tabulate(shape.pixel_light(oversampling, half), oversampling, half)
