"""What headers tell of binning, what the camera's row then means, and who sees it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.science.frames.binning import (
    binning_of,
    other_binning,
    row_scale_arcsec,
)
from bhtom_cpcs.science.frames.detector import read_detector
from bhtom_cpcs.science.frames.image_names import image_name
from bhtom_cpcs.science.frames.planes import Plane, make_plane
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import CameraSettings
from bhtom_sky import Camera, Frame


def a_plane(name: str = "image", **cards: Any) -> Plane:
    header = fits.Header(list(cards.items()))
    return make_plane(name, header, np.ones((20, 20), dtype=np.float32), ())


@pytest.mark.parametrize(
    ("cards", "text"),
    [
        ({"XBINNING": 2, "YBINNING": 2}, "2x2"),
        ({"XBINNING": 3}, "3x3"),
        ({"YBINNING": 2}, "2x2"),
        ({"CCDSUM": "2 2"}, "2x2"),
        ({"CCDSUM": "1 2"}, "1x2"),
        ({"BINNING": "4x4"}, "4x4"),
        ({"BINNING": "2"}, "2x2"),
        ({"CCDXBIN": 1.0, "CCDYBIN": 1.0}, "1x1"),
        ({"CCDBIN1": 1, "CCDBIN2": 1}, "1x1"),
        ({"HIERARCH ESO DET WIN1 BINX": 2, "HIERARCH ESO DET WIN1 BINY": 2}, "2x2"),
        ({"XBINNING": 0, "CCDSUM": "2 2"}, "2x2"),
    ],
)
def test_a_header_tells_its_binning(cards: dict[str, Any], text: str) -> None:
    found = binning_of(fits.Header(list(cards.items())))
    assert found is not None
    assert found.text == text


@pytest.mark.parametrize(
    "value", [0, -1, 17, 2.5, "", "two", 1e30, True, "9" * 60, None]
)
def test_what_is_no_binning_is_none(value: Any) -> None:
    for card in ("XBINNING", "CCDSUM", "BINNING"):
        header = fits.Header()
        header[card] = value
        assert binning_of(header) is None


def test_a_rows_pixel_scale_is_of_the_rows_binning() -> None:
    unbinned = CameraSettings(pixel_scale_arcsec=0.5)
    binned = replace(unbinned, pixel_scale_arcsec=1.0, binning=2)
    twice, once, untold = (
        a_plane(CCDSUM="2 2"),
        a_plane(CCDSUM="1 1"),
        a_plane(),
    )
    assert row_scale_arcsec(twice, unbinned) == 1.0
    assert row_scale_arcsec(once, unbinned) == 0.5
    assert row_scale_arcsec(untold, unbinned) == 0.5
    assert row_scale_arcsec(twice, binned) == 1.0
    assert row_scale_arcsec(once, binned) == 0.5
    assert row_scale_arcsec(a_plane(CCDSUM="1 4"), unbinned) == 1.0
    twice.pixel_pitch = 2
    assert row_scale_arcsec(twice, unbinned) == 2.0


def test_figures_of_another_binning_are_said() -> None:
    row = CameraSettings(saturation_adu=60000.0, pixel_scale_arcsec=0.5)
    said = other_binning(fits.Header([("XBINNING", 2)]), row)
    assert said is not None
    assert "pixel scale is taken 2 times" in said
    assert "saturation level" in said
    for header in (fits.Header(), fits.Header([("XBINNING", 1)])):
        assert other_binning(header, row) is None
    assert other_binning(fits.Header([("XBINNING", 2)]), CameraSettings()) is None


def test_a_binned_frame_is_measured_the_same_and_says_so(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    path = tmp_path / "frame.fits"
    path.write_bytes(frame_of(Camera(pixel_scale_arcsec=1.2)).fits_bytes)
    camera = CameraSettings(pixel_scale_arcsec=0.6, saturation_adu=60000.0)
    asked = replace(field.request, camera=camera)
    plain = reduce_frame(path, asked, field.reference).planes[0]
    fits.setval(path, "XBINNING", value=2)
    binned = reduce_frame(path, asked, field.reference).planes[0]
    assert plain.quality is not None
    assert binned.quality is not None
    assert plain.quality.sampling is not None
    assert binned.quality.sampling is not None
    assert (plain.quality.sampling.binning, plain.image) == (None, "")
    assert binned.quality.sampling.binning == "2x2"
    (said,) = set(binned.warnings) - set(plain.warnings)
    assert "binned 2x2" in said
    assert binned.measurements == plain.measurements
    # Only stated, and not seen: this teaches nothing.
    assert plain.quality.saturation_adu == 60000.0
    assert plain.quality.saturation_seen_adu is None


@pytest.mark.parametrize(
    ("stated", "top", "seen"),
    [
        (3000.0, None, False),  # pixels above it, but piled up nowhere
        (60000.0, 9000.0, True),
        (None, 9000.0, True),
        (5000.0, 9000.0, False),  # a limit of linearity, below the ceiling
    ],
)
def test_a_limit_is_seen_only_where_pixels_pile_up(
    stated: float | None, top: float | None, seen: bool
) -> None:
    rng = np.random.default_rng(3)
    image = rng.normal(500, 20, (200, 200))
    row, column = np.indices(image.shape)
    for x, y, peak in ((50, 60, 20000), (120, 80, 30000), (150, 150, 8000)):
        image += peak * np.exp(-((column - x) ** 2 + (row - y) ** 2) / 2 / 2.0**2)
    if top is not None:
        image = np.minimum(image, top)
    plane = make_plane("image", fits.Header(), image.astype(np.float32), ())
    found = read_detector(plane, CameraSettings(saturation_adu=stated))
    assert found.saturation_seen is seen
    assert found.saturated_fraction > 0


def test_a_chip_has_the_same_name_in_every_file() -> None:
    alone = [a_plane(name) for name in ("PRIMARY", "COMPRESSED_IMAGE", "SCI")]
    assert {image_name(plane, 0, 1) for plane in alone} == {""}
    assert image_name(a_plane("N2", CCDNUM=33), 0, 1) == "chip 33"
    chips = [image_name(a_plane(name), n, 3) for n, name in enumerate(["S", "S", "T"])]
    assert chips == ["1 S", "2 S", "3 T"]
    colours = [a_plane(f"PRIMARY, {colour}") for colour in "RGB"]
    second = [a_plane(f"CHIP, {colour}") for colour in "RGB"]
    for plane, colour in zip((*colours, *second), "RGBRGB", strict=True):
        plane.colour = colour  # type: ignore[assignment]
    assert {image_name(plane, n, 3) for n, plane in enumerate(colours)} == {""}
    both = [image_name(plane, n, 6) for n, plane in enumerate((*colours, *second))]
    assert both == ["1 PRIMARY"] * 3 + ["4 CHIP"] * 3
    assert len(image_name(a_plane("x" * 99), 7, 9)) == 40
