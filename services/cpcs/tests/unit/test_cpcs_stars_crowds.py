"""A crowd's stars are worked on a few at a time: neither how many nor where matters."""

import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.frames.planes import Image
from bhtom_cpcs.science.stars import scene_light
from bhtom_cpcs.science.stars.psf_fluxes import fluxes_and_errors, fluxes_of
from bhtom_cpcs.science.stars.psf_model import PsfModel, model_of
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_cpcs.science.stars.scene_fit import SceneFit
from bhtom_cpcs.science.stars.stamps import places, subtract

FloatArray = npt.NDArray[np.float64]

NOISE = PixelNoise(5.0, 1.0, None, 1.0, False)
SIDE = 400


def field(count: int) -> tuple[Image, PsfModel, FloatArray, FloatArray]:
    """Stars all over a frame and over its edges."""
    rng = np.random.default_rng(5)
    psf = model_of(Shape(3.0, softness=0.3), 9)
    x, y = rng.uniform(-3, SIDE + 2, (2, count))
    pixels = rng.normal(0, 5, (SIDE, SIDE)).astype(np.float32)
    flux = 10 ** rng.uniform(2.5, 5, count)
    half = psf.half_px
    subtract(places(x, y, half), psf.stamps(x, y, half), -flux, pixels)
    return pixels, psf, x, y


def crowd(count: int) -> tuple[Image, PsfModel, SceneFit]:
    """Fit them all."""
    pixels, psf, x, y = field(count)
    fit = SceneFit(pixels, None, psf, NOISE, x, y, move=True)
    fit.run()
    return pixels, psf, fit


def test_the_size_of_the_blocks_changes_no_flux(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, _, usual = crowd(700)
    assert len(usual.pairs) > 500
    monkeypatch.setattr(scene_light, "_VALUES_AT_ONCE", 1)
    _, _, single = crowd(700)
    assert np.allclose(single.flux, usual.flux, rtol=1e-6, atol=0.01)
    one, all_at_once = fluxes_of(single), fluxes_of(usual)
    assert np.allclose(one.error, all_at_once.error, rtol=1e-6, equal_nan=True)
    assert np.allclose(one.chi2, all_at_once.chi2, rtol=1e-3, equal_nan=True)


def test_fluxes_and_errors_are_those_of_the_whole_table() -> None:
    _, _, fit = crowd(300)
    flux, error = fluxes_and_errors(fit)
    table = fluxes_of(fit)
    assert np.array_equal(flux, table.flux, equal_nan=True)
    assert np.array_equal(error, table.error, equal_nan=True)


def test_what_is_left_is_the_image_without_the_stars() -> None:
    pixels, psf, fit = crowd(500)
    whole = pixels.copy()
    for x, y, flux in zip(fit.x, fit.y, fit.flux, strict=True):
        at = places(np.array([x]), np.array([y]), psf.half_px)
        light = psf.stamps(np.array([x]), np.array([y]), psf.half_px)
        subtract(at, light, np.array([flux]), whole)
    # all but the wings that are left out where they are 0.03 of the noise
    assert np.abs(fit.whole_left_over() - whole).max() < 0.2 * NOISE.sky_rms_adu


def test_light_is_taken_out_where_it_falls_on_the_image() -> None:
    light = np.arange(25.0).reshape(1, 5, 5)
    for column, row in ((3, 4), (0, 0), (7, 5), (-2, 8), (-3, 4), (30, -30)):
        image = np.zeros((6, 8), dtype=np.float32)
        wide = np.zeros((106, 108))
        wide[row + 48 : row + 53, column + 48 : column + 53] = -2 * light[0]
        at = places(np.array([float(column)]), np.array([float(row)]), 2)
        subtract(at, light, np.array([2.0]), image)
        assert np.array_equal(image, wide[50:56, 50:58])


def test_a_crowd_takes_no_more_memory_than_its_stars_stamps() -> None:
    pixels, psf, x, y = field(3000)
    tracemalloc.start()
    try:
        fit = SceneFit(pixels, None, psf, NOISE, x, y, move=True)
        fit.run()
        fluxes_of(fit)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    stamp, wide = (2 * fit.at.half + 1) ** 2, (2 * psf.half_px + 1) ** 2
    # light and profile in double, pixels in single precision, which are good; wings
    kept = len(x) * (stamp * (8 + 8 + 4 + 1) + wide * 4)
    # 12,000 overlaps and few stamps beside; copies of all stamps would make it 4.6
    assert peak < 2.2 * kept
