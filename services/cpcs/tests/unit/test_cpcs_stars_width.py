"""The stars' width on frames whose truth is known."""

import io
from collections.abc import Callable
from math import erf

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.stars.detection import (
    detect,
    subtract_background,
)
from bhtom_cpcs.science.stars.first_look import first_look
from bhtom_cpcs.science.stars.psf_fit import fit_psf
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_sky import Camera, Frame


def pixels_of(frame: Frame) -> np.ndarray:
    return fits.getdata(io.BytesIO(frame.fits_bytes)).astype(np.float32)


@pytest.mark.parametrize("fwhm", [1.6, 2.4, 4.0])
def test_width_of_the_stars(frame_of: Callable[..., Frame], fwhm: float) -> None:
    camera = Camera(fwhm_arcsec=fwhm, width_px=512, height_px=512)
    pixels = pixels_of(frame_of(camera))
    sky = subtract_background(pixels, None)
    guess = first_look(pixels, None, sky.rms)
    sources = detect(pixels, None, sky.rms, guess)
    clean = (sources.flags == 0) & (sources.peak < 50000)
    noise = PixelNoise(sky.rms, 1.5, 8.0, 1.0, False)
    found = fit_psf(pixels, None, sources, clean, Shape(guess), noise)
    assert found.n_stars >= 5
    assert found.fwhm_px == pytest.approx(camera.fwhm_px, rel=0.02)
    assert found.ellipticity < 0.03
    assert found.shape.softness == pytest.approx(1 / 3, abs=0.04)


@pytest.mark.parametrize("fwhm", [1.5, 3.0, 6.0, 12.0])
def test_first_look_is_as_wide_as_the_stars(fwhm: float) -> None:
    """Neither the kernel it looks with nor the stars' brightness shows in it."""
    rng = np.random.default_rng(11)
    side = 512
    image = rng.normal(0, 8, (side, side)).astype(np.float32)
    faintest = 20 * 8 * 1.5 * max(fwhm, 3.0)
    offset = np.arange(side)
    scale = fwhm / 2.3548 * np.sqrt(2)
    for _ in range(25):
        x, y = rng.uniform(2 * fwhm, side - 1 - 2 * fwhm, 2)
        in_x, in_y = (
            np.array(
                [
                    erf((p + 0.5 - c) / scale) - erf((p - 0.5 - c) / scale)
                    for p in offset
                ]
            )
            for c in (x, y)
        )
        light = faintest * 10 ** rng.uniform(0, 1.5) * np.outer(in_y, in_x) / 4
        image += light.astype(np.float32)
    pixel = 0.7  # a pixel's own width in one of 1.5 px, in quadrature
    narrower = 0.9
    found = first_look(image, None, 8.0)
    assert found == pytest.approx(narrower * np.hypot(fwhm, pixel), rel=0.06)


def test_first_look_does_not_take_hot_pixels_for_stars(
    frame_of: Callable[..., Frame],
) -> None:
    camera = Camera(fwhm_arcsec=2.4, width_px=512, height_px=512)
    pixels = pixels_of(frame_of(camera))
    sky = subtract_background(pixels, None)
    alone = first_look(pixels, None, sky.rms)
    rng = np.random.default_rng(12)
    pixels[tuple(rng.integers(0, 512, (2, 300)))] += 1e5
    assert first_look(pixels, None, sky.rms) == pytest.approx(alone, rel=0.2)
