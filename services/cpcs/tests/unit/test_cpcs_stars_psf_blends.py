"""Stars that look alike make the PSF; pairs that nothing tells apart do not."""

import numpy as np

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.stars.detection import detect
from bhtom_cpcs.science.stars.psf_fit import fit_psf
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_cpcs.science.stars.psf_stars import alike
from bhtom_sky.rendering import add_stars

GAIN, READ_E, SKY_E = 1.5, 8.0, 3000.0
RMS = float(np.sqrt(SKY_E + READ_E**2) / GAIN)
NOISE = PixelNoise(RMS, GAIN, READ_E, 1.0, False)
FWHM = 5.0


def frame_of(n_pairs: int, seed: int) -> np.ndarray:
    """A grid of 12 equal stars; the first ones are pairs, five times as bright.

    They are so faint that what one profile leaves of a pair is hardly above the noise.
    """
    rng = np.random.default_rng(seed)
    x, y = (axis.ravel() * 80.0 + 50 for axis in np.mgrid[:4, :3])
    x, y = x + rng.uniform(-0.5, 0.5, 12), y + rng.uniform(-0.5, 0.5, 12)
    flux = np.full(12, 2e4)
    flux[:n_pairs] *= 5
    angle = rng.uniform(0, 2 * np.pi, n_pairs)
    x = np.append(x, x[:n_pairs] + FWHM * np.cos(angle))
    y = np.append(y, y[:n_pairs] + FWHM * np.sin(angle))
    flux = np.append(flux, 0.4 * flux[:n_pairs])
    light = np.zeros((340, 340), dtype=np.float32)
    add_stars(light, (x, y, flux), FWHM, 3.0, 1e-4)
    electrons = rng.poisson(light * GAIN + SKY_E) + rng.normal(0, READ_E, light.shape)
    return ((electrons - SKY_E) / GAIN).astype(np.float32)


def fwhm_of(pixels: np.ndarray) -> float:
    sources = detect(pixels, None, RMS, FWHM)
    usable = np.ones(len(sources), dtype=bool)
    return fit_psf(pixels, None, sources, usable, Shape(FWHM), NOISE).fwhm_px


def test_bright_pairs_do_not_widen_the_psf() -> None:
    for seed in range(3):
        alone = fwhm_of(frame_of(0, seed))
        assert abs(alone / FWHM - 1) < 0.02
        # with the pairs among them they are read as 6.0 to 6.1 px wide
        assert abs(fwhm_of(frame_of(3, seed)) / alone - 1) < 0.025


def test_blends_are_told_from_the_stars_that_most_are() -> None:
    rng = np.random.default_rng(4)
    error = np.full((20, 3), 0.02)
    factors = rng.normal(0.0, 0.02, (20, 3)) - 0.14
    factors[:6, 0] += np.array([0.2, 0.22, 0.3, 0.4, 0.45, 0.6])  # all on one side
    like = alike(factors, error)
    assert not like[:6].any()
    assert like[6:].sum() >= 13


def test_a_psf_that_changes_over_the_frame_keeps_its_stars() -> None:
    place = np.linspace(-1, 1, 60)
    factors = np.stack([0.2 * place, 0.1 * place, -0.1 * place], axis=1)
    assert alike(factors, np.full((60, 3), 0.01)).all()


def test_too_few_stars_are_not_compared() -> None:
    factors = np.zeros((6, 3))
    factors[0] = 5.0
    assert alike(factors, np.full((6, 3), 0.01)).all()
    drawn = np.array([[5.0, 0, 0], [5.0, 0, 0], [0, 5.0, 0], [0, 5.0, 0]])
    drawn = np.concatenate([np.zeros((4, 3)), drawn])
    assert alike(drawn, np.full((8, 3), 0.01)).all()
