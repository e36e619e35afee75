"""Raw colour frames: each colour's own pixels, with the coordinates of the halves."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from bhtom_cpcs.science.frames.fits_files import open_fits
from bhtom_cpcs.science.frames.fits_input import plane_count, read_planes
from bhtom_cpcs.science.frames.planes import Plane
from bhtom_cpcs.science.request import CameraSettings, ReductionRequest
from bhtom_cpcs.science.stages.frame_stages import read_detector
from bhtom_cpcs.science.stages.plane_state import PlaneState

# the coordinates' library says what it takes a date for; the pixels count here
pytestmark = pytest.mark.filterwarnings(
    "ignore::astropy.utils.exceptions.AstropyWarning"
)

LEVELS = {"R": 300.0, "G": 900.0, "B": 500.0}
SHAPE = (120, 160)
STARS = [(31.3, 40.8), (110.6, 77.2)]


def mosaic(pattern: str, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """A raw frame: levels of the colours, noise, and stars of every colour."""
    random = np.random.default_rng(4)
    row, column = np.indices(shape)
    index = 2 * (row % 2) + column % 2
    level = np.array([LEVELS[letter] for letter in pattern])[index]
    for x, y in STARS:
        level += 20000 * np.exp(-((column - x) ** 2 + (row - y) ** 2) / 2 / 2.5**2)
    return random.poisson(level).astype(np.uint16)


def read(path: Path) -> list[Plane]:
    with open_fits(path) as hdus:
        count = plane_count(hdus)
        planes = list(read_planes(hdus))
    assert len(planes) == count
    return planes


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., list[Plane]]:
    def run(image: np.ndarray, **cards: object) -> list[Plane]:
        path = tmp_path / "raw.fits"
        header = fits.Header([("DATE-OBS", "2026-01-01T00:00:00"), *cards.items()])
        fits.PrimaryHDU(image, header).writeto(path, overwrite=True)
        return read(path)

    return run


def levels(planes: list[Plane]) -> dict[str | None, float]:
    return {plane.colour: float(np.median(plane.pixels)) for plane in planes}


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_colours_are_sampled_not_interpolated(write: Callable, pattern: str) -> None:
    image = mosaic(pattern)
    planes = write(image, BAYERPAT=pattern)
    assert [plane.name for plane in planes] == [
        "PRIMARY, R",
        "PRIMARY, G",
        "PRIMARY, B",
    ]
    for colour, level in levels(planes).items():
        assert level == pytest.approx(LEVELS[str(colour)], rel=0.03)
    places = {letter: divmod(pattern.index(letter), 2) for letter in "RB"}
    for plane in (planes[0], planes[2]):
        row, column = places[str(plane.colour)]
        assert np.array_equal(plane.pixels, image[row::2, column::2])
    green = planes[1]
    assert green.pixels.shape == (60, 80)
    assert green.pixels_averaged == 2
    assert float(np.std(green.pixels[:10])) == pytest.approx(np.sqrt(900 / 2), rel=0.1)


@pytest.mark.parametrize(
    ("cards", "shape", "truth"),
    [
        ({"BAYERPAT": "RGGB", "XBAYROFF": 1}, SHAPE, "GRBG"),
        ({"BAYERPAT": "RGGB", "YBAYROFF": 1}, SHAPE, "GBRG"),
        ({"BAYERPAT": "RGGB", "ROWORDER": "BOTTOM-UP"}, SHAPE, "GBRG"),
        ({"BAYERPAT": "RGGB", "ROWORDER": "BOTTOM-UP"}, (121, 160), "RGGB"),
        ({"BAYERPAT": "RGGB", "ROWORDER": "TOP-DOWN"}, SHAPE, "RGGB"),
        ({"COLORTYP": "BGGR"}, SHAPE, "BGGR"),
        ({"FILTER": "RGGB"}, SHAPE, "RGGB"),
        # the card speaks of the other end of the rows: the greens give it away
        ({"BAYERPAT": "RGGB"}, SHAPE, "GBRG"),
    ],
)
def test_where_the_pattern_begins(
    write: Callable, cards: dict, shape: tuple[int, int], truth: str
) -> None:
    found = levels(write(mosaic(truth, shape), **cards))
    assert found == pytest.approx(LEVELS, rel=0.03)


@pytest.mark.parametrize("projection", ["RA---TAN", "RA---TAN-SIP"])
def test_coordinates_of_the_halves(write: Callable, projection: str) -> None:
    cards: dict[str, object] = {
        "CTYPE1": projection,
        "CTYPE2": projection.replace("RA--", "DEC-"),
        "CRVAL1": 150.0,
        "CRVAL2": 20.0,
        "CRPIX1": 70.3,
        "CRPIX2": 66.1,
        "CD1_1": -3e-4,
        "CD1_2": 4e-5,
        "CD2_1": 5e-5,
        "CD2_2": 3e-4,
    }
    if projection.endswith("SIP"):
        cards |= {"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 3e-4, "B_1_1": -2e-4}
        cards |= {"A_0_2": 1e-4}
    whole = WCS(fits.Header(list(cards.items())))
    for plane in write(mosaic("GRBG"), BAYERPAT="GRBG", **cards):
        halved = WCS(plane.header)
        for x, y in STARS:
            # where the star is among the colour's own pixels, by its centroid
            sky = plane.pixels - np.median(plane.pixels)
            column, row = round((x - 0.5) / 2), round((y - 0.5) / 2)
            box = np.s_[row - 5 : row + 6, column - 5 : column + 6]
            weight = np.where(sky[box] > 200, sky[box], 0)
            rows, columns = np.indices(sky.shape)
            there = (
                float((columns[box] * weight).sum() / weight.sum()),
                float((rows[box] * weight).sum() / weight.sum()),
            )
            ra, dec = halved.all_pix2world(*there, 0)
            ra_0, dec_0 = whole.all_pix2world(x, y, 0)
            assert abs(ra - ra_0) * 3600 < 0.2  # of a pixel of 1.1 arcsec
            assert abs(dec - dec_0) * 3600 < 0.2
        exact = {"R": (1, 0), "G": (0.5, 0.5), "B": (0, 1)}[str(plane.colour)]
        ra, dec = halved.all_pix2world(20.0, 30.0, 0)
        ra_0, dec_0 = whole.all_pix2world(40.0 + exact[0], 60.0 + exact[1], 0)
        assert (float(ra), float(dec)) == pytest.approx((float(ra_0), float(dec_0)))


def test_a_monochrome_frame_that_kept_the_card_stays_one_image(write: Callable) -> None:
    image = np.random.default_rng(5).poisson(700, SHAPE).astype(np.uint16)
    (plane,) = write(image, BAYERPAT="RGGB")
    assert plane.colour is None
    assert np.array_equal(plane.pixels, image)


def test_a_mosaic_without_a_card_is_said(write: Callable) -> None:
    (plane,) = write(mosaic("RGGB"))
    assert any("BAYERPAT" in note for note in plane.notes)
    (even,) = write(np.random.default_rng(5).poisson(700, SHAPE).astype(np.uint16))
    assert even.notes == ()


@pytest.mark.parametrize(
    ("cards", "camera", "limit"),
    [
        ({}, CameraSettings(), 0.999 * 65535),  # seen: pixels pile up
        ({"SATURATE": 40000.0}, CameraSettings(), 40000.0),
        ({}, CameraSettings(saturation_adu=40000.0), 40000.0),
        (
            {"BUNIT": "electron"},
            CameraSettings(saturation_adu=25000.0, gain_e_per_adu=1.6),
            40000.0,
        ),
    ],
)
def test_a_saturated_green_is_not_averaged_away(
    write: Callable, cards: dict, camera: CameraSettings, limit: float
) -> None:
    image = mosaic("RGGB")
    # the greens of three cells: one at the limit, both below it, one of them masked
    image[40, 41], image[41, 40] = 65535 if limit > 60000 else 41000, 20000
    image[80, 81], image[81, 80] = 39000, 20000
    if limit > 60000:
        image[60:62, 60:70] = 65535
    green = write(image, BAYERPAT="RGGB", **cards)[1]
    before = green.pixels.copy()
    request = ReductionRequest(targets=(), camera=camera)
    state = PlaneState(green, request, None)  # type: ignore[arg-type]
    read_detector(state)
    assert state.detector is not None
    assert state.detector.saturation_adu == pytest.approx(limit)
    assert green.pixels[20, 20] == image[40, 41]
    assert green.pixels[40, 40] == 29500.0
    raised = green.pixels != before
    assert np.array_equal(raised, (green.highest >= limit) & (before < green.highest))
    again = green.pixels.copy()
    green.raise_saturated(limit)
    assert np.array_equal(green.pixels, again)


def test_greens_above_a_limit_seen_later_are_raised_on_a_subtracted_sky(
    write: Callable,
) -> None:
    image = mosaic("RGGB")
    image[40, 41], image[41, 40] = 30000, 10000
    green = write(image, BAYERPAT="RGGB")[1]
    green.pixels -= 900
    green.raise_saturated(25000.0 - 900)
    assert green.pixels[20, 20] == 30000 - 900
    assert np.count_nonzero(green.pixels > 20000) == 1


def test_a_card_that_comes_twice_is_changed_once() -> None:
    from bhtom_cpcs.science.frames.bayer import colour_planes
    from bhtom_cpcs.science.frames.planes import make_plane

    header = fits.Header()
    for _ in range(2):
        header.append(("PIXSCALE", 1.5), end=True)
    plane = make_plane("image", header, mosaic("RGGB").astype(np.float32), ())
    assert [p.header["PIXSCALE"] for p in colour_planes(plane, "RGGB")] == [3.0] * 3
