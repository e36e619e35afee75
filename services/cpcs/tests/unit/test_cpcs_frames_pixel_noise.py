"""The sky's noise and its correlation, against skies whose noise is known."""

import numpy as np
import numpy.typing as npt
import pytest

from bhtom_cpcs.science.frames.detector import Detector
from bhtom_cpcs.science.frames.pixel_noise import measure_pixel_noise

FloatArray = npt.NDArray[np.float64]

DETECTOR = Detector(None, 0.0, 1.6, 8.0, False)
SIDE, RMS, FWHM = 700, 10.0, 3.2


def white(seed: int) -> FloatArray:
    return np.random.default_rng(seed).normal(0, RMS, (SIDE, SIDE))


def resampled(seed: int) -> FloatArray:
    """A frame shifted by half a pixel both ways: each pixel the mean of four."""
    sky = white(seed)
    sky = (sky + np.roll(sky, 1, 0)) / 2
    return (sky + np.roll(sky, 1, 1)) / 2


def with_stars(sky: FloatArray, seed: int) -> tuple[FloatArray, tuple[FloatArray, ...]]:
    random = np.random.default_rng(seed)
    x, y = random.uniform(20, SIDE - 20, (2, 150))
    flux = 10 ** random.uniform(3, 5.5, 150)
    row, column = np.indices(sky.shape)
    alpha = FWHM / (2 * np.sqrt(2 ** (1 / 3) - 1))
    for each in zip(x, y, flux, strict=True):
        box = np.s_[int(each[1]) - 20 : int(each[1]) + 21]
        span = np.s_[int(each[0]) - 20 : int(each[0]) + 21]
        away = (column[box, span] - each[0]) ** 2 + (row[box, span] - each[1]) ** 2
        profile = (1 + away / alpha**2) ** -3 * 2 / np.pi / alpha**2
        sky[box, span] += each[2] * profile
    return sky, (x, y, flux)


def expected_correlation(sky: FloatArray) -> float:
    """By brute force on the sky without stars: sums of whole PSF-weighted boxes."""
    sigma = FWHM / 2.3548
    offset = np.arange(-6, 7)
    weight = np.exp(-(offset[:, None] ** 2 + offset**2) / 2 / sigma**2)
    sums = [
        np.sum(weight * sky[row - 6 : row + 7, column - 6 : column + 7])
        for row in range(8, SIDE - 8, 9)
        for column in range(8, SIDE - 8, 9)
    ]
    return float(np.std(sums) / np.std(sky) / np.sqrt(np.sum(weight**2)))


@pytest.mark.parametrize(("make", "pixel"), [(white, 1.0), (resampled, 0.5)])
def test_rms_and_correlation_between_stars(make, pixel: float) -> None:  # type: ignore[no-untyped-def]
    truth = expected_correlation(make(1))
    image, stars = with_stars(make(1), 2)
    noise = measure_pixel_noise(
        image.astype(np.float32), None, stars, RMS, FWHM, DETECTOR
    )
    assert noise.sky_rms_adu == pytest.approx(pixel * RMS, rel=0.015)
    assert noise.correlation == pytest.approx(truth, rel=0.03)
    assert (truth > 1.5) == (make is resampled)


def test_gain_and_read_noise_are_the_detectors() -> None:
    empty = (np.zeros(0),) * 3
    noise = measure_pixel_noise(
        white(4).astype(np.float32), None, empty, RMS, FWHM, DETECTOR
    )
    assert (noise.gain_e_per_adu, noise.read_noise_e) == (1.6, 8.0)
    assert not noise.empirical
    assert noise.variance(np.array([0.0, 160.0, -5.0])) == pytest.approx(
        noise.sky_rms_adu**2 + np.array([0.0, 100.0, 0.0])
    )


def test_no_empty_sky_keeps_the_guess() -> None:
    image = white(5).astype(np.float32)
    noise = measure_pixel_noise(
        image, np.ones(image.shape, dtype=bool), (np.zeros(0),) * 3, 7.0, 3.0, DETECTOR
    )
    assert (noise.sky_rms_adu, noise.correlation) == (7.0, 1.0)
