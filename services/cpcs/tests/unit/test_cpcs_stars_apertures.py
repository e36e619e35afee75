"""Aperture fluxes with the growth curve, beside the PSF's, on frames of known truth."""

from dataclasses import replace

import numpy as np
import pytest

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.stars.aperture_flux import aperture_radius_px
from bhtom_cpcs.science.stars.psf_figures import PsfFigures
from bhtom_cpcs.science.stars.psf_fluxes import PsfFluxes
from bhtom_cpcs.science.stars.psf_model import PsfModel, model_of
from bhtom_cpcs.science.stars.psf_photometry import fit_positions
from bhtom_cpcs.science.stars.psf_shape import Shape

SIDE, RMS, GAIN = 401, 10.0, 2.0
NOISE = PixelNoise(RMS, GAIN, None, 1.0, False)


def field(
    psf: PsfModel, flux: float, noisy: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stars on a grid, each at another place in its pixel: image, x and y."""
    rng = np.random.default_rng(8)
    step, half = 40, psf.half_px
    grid = np.arange(step, SIDE - step + 1, step)
    x, y = (axis.ravel().astype(float) for axis in np.meshgrid(grid, grid))
    x, y = x + rng.uniform(-0.5, 0.5, len(x)), y + rng.uniform(-0.5, 0.5, len(y))
    image = np.zeros((SIDE + 2 * half, SIDE + 2 * half))
    corners = np.rint(x).astype(int), np.rint(y).astype(int)
    for left, bottom, stamp in zip(*corners, psf.stamps(x, y, half), strict=True):
        part = np.s_[bottom : bottom + 2 * half + 1, left : left + 2 * half + 1]
        image[part] += flux * stamp
    image = image[half:-half, half:-half]
    if noisy:
        image = image + rng.normal(size=image.shape) * np.sqrt(RMS**2 + image / GAIN)
    return image.astype(np.float32), x, y


def measured(psf: PsfModel, flux: float, noisy: bool = True) -> PsfFluxes:
    image, x, y = field(psf, flux, noisy)
    return fit_positions(image, None, psf, NOISE, x, y)


@pytest.mark.parametrize("fwhm", [1.8, 3.0, 5.0])
def test_the_growth_curve_brings_the_aperture_to_the_total(fwhm: float) -> None:
    psf = model_of(Shape(fwhm, softness=1 / 3), 0)
    found = measured(psf, 1e5, noisy=False)
    assert found.aperture_flux == pytest.approx(1e5, rel=1e-3)
    assert ((found.aperture_share > 0.5) & (found.aperture_share < 0.9)).all()


@pytest.mark.parametrize("fwhm", [1.8, 3.0, 5.0])
@pytest.mark.parametrize("flux", [3000.0, 50000.0])
def test_the_aperture_errors_are_true(fwhm: float, flux: float) -> None:
    psf = model_of(Shape(fwhm, softness=1 / 3), 0)
    found = measured(psf, flux)
    pull = (found.aperture_flux - flux) / found.aperture_error
    assert abs(float(pull.mean())) < 4 / np.sqrt(len(pull))
    assert 0.75 < float(pull.std()) < 1.25
    # a sum weighs no pixel: it is never better than the fit
    assert (found.aperture_error > found.error).all()


def test_the_measured_growth_curve_counts() -> None:
    """Stars wider than their model: the aperture's flux is brought to the PSF's."""
    truth = model_of(Shape(3.3, softness=1 / 3), 0)
    model = model_of(Shape(3.0, softness=1 / 3), 0)
    image, x, y = field(truth, 1e5, noisy=False)
    radius = np.arange(0.5, 12.0, 0.5)
    plain = fit_positions(image, None, model, NOISE, x, y)
    at = aperture_radius_px(model)
    offset = float(np.median(plain.aperture_flux / plain.flux))
    assert abs(offset - 1) > 0.005
    growth = 1 - np.exp(-radius)
    figures = PsfFigures(radius, offset * growth, growth, growth, growth, growth)
    told = fit_positions(image, None, replace(model, figures=figures), NOISE, x, y)
    assert at == 3.0
    assert np.median(told.aperture_flux / told.flux) == pytest.approx(1, abs=1e-6)


def test_a_masked_pixel_counts_as_the_model_has_it() -> None:
    psf = model_of(Shape(3.0, softness=1 / 3), 0)
    image, x, y = field(psf, 1e5, noisy=False)
    mask = np.zeros(image.shape, dtype=bool)
    mask[round(y[7]), round(x[7]) + 1] = True
    image[mask] = 5e4
    found = fit_positions(image, mask, psf, NOISE, x, y)
    assert found.aperture_flux[7] == pytest.approx(1e5, rel=1e-3)
