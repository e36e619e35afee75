"""The PSF of a small crowd, from stars with their neighbours' light and without."""

import numpy as np

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.stars.detection import Sources, detect
from bhtom_cpcs.science.stars.psf_fit import fit_psf
from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.stars.psf_photometry import fit_sources
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_sky.rendering import add_stars

GAIN, READ_E, SKY_E = 1.5, 8.0, 300.0
RMS = float(np.sqrt(SKY_E + READ_E**2) / GAIN)
NOISE = PixelNoise(RMS, GAIN, READ_E, 1.0, False)
SIDE, STARS, FWHM_PX = 320, 115, 4.8


def crowd(seed: int) -> np.ndarray:
    """Bright stars, each with a fainter one 3 to 4 FWHM away, among faint ones."""
    rng = np.random.default_rng(seed)
    bright = rng.uniform(30, SIDE - 30, (2, 16))
    angle, away = rng.uniform(0, 2 * np.pi, 16), FWHM_PX * rng.uniform(3, 4, 16)
    beside = bright + away * np.stack([np.cos(angle), np.sin(angle)])
    faint = rng.uniform(0, SIDE - 1, (2, STARS - 32))
    place = np.concatenate([bright, beside, faint], axis=1)
    flux = np.repeat([1e5, 3e4, 2.5e3], [16, 16, STARS - 32])
    light = np.zeros((SIDE, SIDE), dtype=np.float32)
    add_stars(light, (*place, flux), FWHM_PX, 3.0, 1e-4)
    electrons = rng.poisson(light * GAIN + SKY_E) + rng.normal(0, READ_E, light.shape)
    return ((electrons - SKY_E) / GAIN).astype(np.float32)


def all_of(sources: Sources) -> np.ndarray:
    return np.ones(len(sources), dtype=bool)


def before_and_after(seed: int) -> tuple[PsfModel, PsfModel]:
    pixels = crowd(seed)
    sources = detect(pixels, None, RMS, FWHM_PX)
    psf = fit_psf(pixels, None, sources, sources.flags == 0, Shape(5.0), NOISE)
    return psf, fit_sources(pixels, None, psf, NOISE, sources, all_of).psf


def test_neighbours_taken_out_give_the_psf_its_width_back() -> None:
    pairs = [before_and_after(seed) for seed in range(4)]
    first, refined = (
        np.array([psf.fwhm_px / FWHM_PX - 1 for psf in some])
        for some in zip(*pairs, strict=True)
    )
    assert np.all(np.abs(refined) < 0.005)
    assert all(psf.n_stars >= 10 and psf.ellipticity < 0.01 for _, psf in pairs)
    assert np.sqrt(np.mean(first**2)) > 0.2  # the control


def test_stars_that_stand_alone_keep_their_psf() -> None:
    grid = np.stack(np.meshgrid(*2 * [np.arange(30.0, 600, 60)]), axis=-1).reshape(
        -1, 2
    )
    light = np.zeros((620, 620), dtype=np.float32)
    rng = np.random.default_rng(1)
    add_stars(light, (*grid.T, np.full(len(grid), 2e4)), 3.0, 3.0, 1e-3)
    pixels = (light + rng.normal(0, RMS, light.shape)).astype(np.float32)
    sources = detect(pixels, None, RMS, 3.0)
    psf = fit_psf(pixels, None, sources, sources.flags == 0, Shape(3.2), NOISE)
    assert fit_sources(pixels, None, psf, NOISE, sources, all_of).psf is psf
