"""Stars that were cut off before somebody normalised the frame, by whole reductions."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from astropy.io import fits

from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import CameraSettings
from bhtom_cpcs.science.results.reduction import PlaneReduction
from bhtom_sky import Camera, Frame

FloatArray = npt.NDArray[np.float64]
SIDE = 400


def normalised(image: FloatArray, how: str) -> FloatArray:
    row, column = np.indices(image.shape) / SIDE - 0.5
    if how == "divided by its background":
        return image / (np.median(image) * (1 + 0.3 * column))
    pixels = np.random.default_rng(1).normal(1, 0.01, image.shape)
    image = image / ((1 - 0.2 * (row**2 + column**2)) * pixels)
    if how == "flat field and sky 1":
        return image / np.median(image)
    return (image - np.median(image)) / 60


@pytest.fixture
def reduced(
    field: Any, frame_of: Callable[..., Frame], tmp_path: Path
) -> Callable[..., PlaneReduction]:
    def run(how: str, fwhm_px: float, depth: float) -> PlaneReduction:
        camera = Camera(
            width_px=SIDE,
            height_px=SIDE,
            fwhm_arcsec=0.8 * fwhm_px,
            cosmic_rays=0.0,
            saturation_adu=60000.0,
        )
        frame = frame_of(camera)
        with fits.open(io.BytesIO(frame.fits_bytes)) as hdus:
            image, header = hdus[0].data.astype(float), hdus[0].header.copy()
        for card in ("SATURATE", "BZERO", "BSCALE", "EGAIN", "GAIN", "RDNOISE"):
            header.remove(card, ignore_missing=True)
        middle = SIDE // 2
        core = image[middle - 6 : middle + 7, middle - 6 : middle + 7]
        sky = np.median(image)
        image = np.minimum(image, sky + (core.max() - sky) / depth)
        path = tmp_path / "frame.fits"
        pixels = normalised(image, how).astype(np.float32)
        fits.PrimaryHDU(pixels, header).writeto(path, overwrite=True)
        request = replace(
            field.request,
            camera=CameraSettings(
                gain_e_per_adu=camera.gain_e_per_adu, pixel_scale_arcsec=0.8
            ),
        )
        return reduce_frame(path, request, field.reference).planes[0]

    return run


@pytest.mark.parametrize("fwhm_px", [1.6, 3.0])
@pytest.mark.parametrize(
    "how", ["flat field and sky 1", "divided by its background", "per second, no sky"]
)
def test_a_target_that_was_cut_off_before_is_saturated(
    reduced: Callable[..., PlaneReduction], how: str, fwhm_px: float
) -> None:
    cut = reduced(how, fwhm_px, 1.5)
    assert cut.outcome == Outcome.TARGET_SATURATED
    assert cut.measurements[0].magnitude is None
    assert cut.measurements[0].limit_3sigma is None
    assert any("flat tops" in warning for warning in cut.warnings)
    whole = reduced(how, fwhm_px, 0.001)
    assert whole.outcome == Outcome.CALIBRATED
    assert not any("flat tops" in warning for warning in whole.warnings)
