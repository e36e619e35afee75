"""The gain that the noise of stars' light tells, whatever is stated and subtracted."""

import numpy as np
import pytest

from bhtom_cpcs.science.frames.gain import StarsGain
from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.stars.light_noise import light_noise
from bhtom_cpcs.science.stars.psf_model import model_of
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_cpcs.science.stars.scene_fit import SceneFit
from bhtom_sky.rendering import add_stars

GAIN, READ_E, SKY_E, SIDE = 1.5, 8.0, 300.0, 400
DARK_ADU = 100.0


def scene_fit(
    stated: float,
    fwhm: float,
    seed: int,
    *,
    photons: bool = True,
    grain: float = 0.0,
) -> SceneFit:
    """A fit of 60 stars on a subtracted sky, with some gain taken for true.

    `grain` is a plate's noise where it is dark [e-]: more light adds none.
    """
    random = np.random.default_rng(seed)
    x, y = (axis.ravel() for axis in np.meshgrid(*2 * [np.arange(40.0, 390.0, 45.0)]))
    x, y = x + random.uniform(-5, 5, x.shape), y + random.uniform(-5, 5, x.shape)
    flux = 10 ** random.uniform(3.2, 5.2, x.shape)
    light = np.zeros((SIDE, SIDE), dtype=np.float32)
    add_stars(light, (x, y, flux), fwhm, 3.0, 0.005)
    electrons = SKY_E + GAIN * light.astype(np.float64)
    noise = random.normal(0, np.hypot(READ_E, np.sqrt(SKY_E)), light.shape)
    if photons:
        electrons = random.poisson(electrons) + random.normal(0, READ_E, light.shape)
    else:
        dark = np.sqrt(-np.expm1(-light / DARK_ADU))
        noise += grain * dark * random.normal(0, 1, light.shape)
        electrons = electrons + noise
    pixels = ((electrons - SKY_E) / GAIN).astype(np.float32)
    rms = float(np.sqrt(SKY_E + READ_E**2)) / GAIN
    psf = model_of(Shape(fwhm, 0.0, 0.0, 1 / 3.0), 10)
    pixel_noise = PixelNoise(rms, stated, READ_E, 1.0, False)
    fit = SceneFit(pixels, None, psf, pixel_noise, x, y, move=True)
    fit.run()
    return fit


def told(fit: SceneFit) -> StarsGain | None:
    return light_noise(fit, np.ones(len(fit.x), dtype=bool))


@pytest.mark.parametrize("fwhm", [2.0, 3.5])
@pytest.mark.parametrize("factor", [0.1, 1.0, 10.0])
def test_stars_tell_the_gain_whatever_is_stated(factor: float, fwhm: float) -> None:
    for seed in (1, 2):
        found = told(scene_fit(factor * GAIN, fwhm, seed))
        assert found is not None
        assert found.value == pytest.approx(GAIN, rel=0.4)
        assert found.error < 0.25 * found.value


def test_light_without_noise_has_no_gain() -> None:
    found = told(scene_fit(GAIN, 3.0, 1, photons=False))
    assert found is None or found.value > 5 * GAIN


@pytest.mark.parametrize("fwhm", [2.5, 4.0])
def test_stars_on_a_plate_tell_no_gain(fwhm: float) -> None:
    for seed in (1, 2):
        fit = scene_fit(GAIN, fwhm, seed, photons=False, grain=100.0)
        assert told(fit) is None


def test_few_stars_tell_nothing() -> None:
    fit = scene_fit(GAIN, 3.0, 1)
    assert light_noise(fit, np.arange(len(fit.x)) < 4) is None
