"""Stars beside a target that no scene lists are found where they hide."""

import numpy as np
import pytest

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.stars.detection import Sources, detect
from bhtom_cpcs.science.stars.psf_model import PsfModel, model_of
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_cpcs.science.targets.forced_fit import FrameLight, forced_fit
from bhtom_cpcs.science.targets.unmodelled_light import Unmodelled, unmodelled_light
from bhtom_sky.rendering import add_stars

GAIN, RMS, SIDE = 2.0, 10.0, 121
MIDDLE = (60.3, 59.8)
NOBODY = (np.zeros(0), np.zeros(0))


def seen(
    fwhm: float, seed: int, *stars: tuple[float, float, float], flux: float = 30000.0
) -> tuple[Unmodelled, Sources]:
    """What is found beside a target of a frame; stars by offset and flux."""
    image = np.zeros((SIDE, SIDE), dtype=np.float32)
    table = np.array([(0.0, 0.0, flux), *stars]).T
    place = table[0] + MIDDLE[0], table[1] + MIDDLE[1], table[2]
    add_stars(image, place, fwhm, 3.0, 1e-4)
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=image.shape) * np.sqrt(RMS**2 + image / GAIN)
    pixels = (image + noise).astype(np.float32)
    psf: PsfModel = model_of(Shape(fwhm, softness=1 / 3), 0)
    light = FrameLight(pixels, None, psf, PixelNoise(RMS, GAIN, None, 1.0, False))
    sources = detect(pixels, None, RMS, fwhm)
    fit = forced_fit(light, *MIDDLE, NOBODY, 0.05)
    return unmodelled_light(light, fit, sources), sources


@pytest.mark.parametrize(("fwhm", "apart"), [(2.2, 2.0), (3.0, 1.5), (4.0, 1.2)])
def test_a_star_hidden_by_the_target_is_found(fwhm: float, apart: float) -> None:
    for seed in range(3):
        offset = apart * fwhm * np.cos(seed), apart * fwhm * np.sin(seed)
        found, sources = seen(fwhm, seed, (*offset, 10000.0))
        assert len(sources) == 1  # detection does not tell them apart
        (star,) = found.stars
        x, y = MIDDLE[0] + offset[0], MIDDLE[1] + offset[1]
        assert np.hypot(star.x - x, star.y - y) < 0.15
        assert star.flux == pytest.approx(10000.0, rel=0.15)
        assert found.is_resolved
        assert found.light_adu > 0


@pytest.mark.parametrize("flux", [3000.0, 30000.0, 300000.0])
def test_a_star_that_stands_alone_has_nobody_beside_it(flux: float) -> None:
    for seed in range(8):
        found, _ = seen(3.0, seed, flux=flux)
        assert found.stars == ()
        assert found.light_adu == 0


def test_a_star_farther_off_is_told_but_takes_nothing() -> None:
    found, _ = seen(2.5, 1, (9.0, 2.0, 6000.0))
    (star,) = found.stars
    assert star.distance == pytest.approx(np.hypot(9.0, 2.0), abs=0.1)
    assert found.light_adu == 0
    beyond, _ = seen(2.5, 1, (14.0, 2.0, 6000.0))
    assert beyond.stars == ()
