"""Three images in one array: colours of one scene, or exposures through one filter."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.science.frames.cube_stars import shown_by_stars
from bhtom_cpcs.science.frames.fits_files import open_fits
from bhtom_cpcs.science.frames.fits_input import plane_count, read_planes
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop

SIDE = 300


def scene(
    seed: int,
    *,
    colour_mag: float = 0.0,
    n_stars: int = 80,
    shift_px: float = 0.0,
    seeing: tuple[float, float, float] = (3.0, 3.0, 3.0),
    cloud_mag: float = 0.0,
    sky: tuple[float, float, float] = (300.0, 300.0, 300.0),
    gain: float = 1.0,
) -> tuple[np.ndarray, ...]:
    """Three images of the same stars, each a shade bluer than the one before.

    The clouds thicken from image to image and along the rows.
    """
    random = np.random.default_rng(seed)
    y, x = random.uniform(10, SIDE - 10, (2, n_stars))
    flux = 10 ** random.uniform(3.0, 5.0, n_stars)
    colour = random.normal(0, 1, n_stars) * colour_mag
    rows, columns = np.mgrid[:SIDE, :SIDE]
    images = []
    for k in range(3):
        image, sigma = np.full((SIDE, SIDE), sky[k]), seeing[k] / 2.355
        dimming = colour * (k - 1) + cloud_mag * k * x / SIDE
        for star, bright in enumerate(flux * 10 ** (-0.4 * dimming)):
            top, left = max(int(y[star]) - 12, 0), max(int(x[star]) - 12, 0)
            box = np.s_[top : top + 25, left : left + 25]
            away = (rows[box] - y[star]) ** 2 + (
                columns[box] - x[star] - k * shift_px
            ) ** 2
            image[box] += bright / (2 * np.pi * sigma**2) * np.exp(-away / 2 / sigma**2)
        image = random.poisson(image * gain) / gain + random.normal(0, 5, image.shape)
        images.append(np.clip(image, 0, 65535).astype(np.uint16))
    return tuple(images)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "how",
    [
        {"colour_mag": 0.3},
        {"colour_mag": 0.12},
        {"colour_mag": 0.3, "sky": (900.0, 500.0, 200.0)},
        {"colour_mag": 0.3, "seeing": (3.0, 3.2, 3.6)},
        {"colour_mag": 0.3, "shift_px": 0.3},
    ],
)
def test_colours(seed: int, how: dict) -> None:
    assert shown_by_stars(scene(seed, **how)) == "colours"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"seeing": (3.0, 4.5, 2.7)},
        {"sky": (300.0, 1500.0, 4000.0)},
        {"gain": 0.2},
        {"cloud_mag": 0.4},
    ],
)
def test_exposures(seed: int, how: dict) -> None:
    assert shown_by_stars(scene(seed, **how)) == "exposures"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "how",
    [
        *({"shift_px": 0.7}, {"shift_px": 1.0}, {"shift_px": 2.0}, {"shift_px": 10.0}),
        *({"n_stars": 0}, {"n_stars": 5, "colour_mag": 0.3}),
    ],
)
def test_no_colours_where_stars_moved_or_are_few(seed: int, how: dict) -> None:
    # a star that leaves its aperture loses light as a red one does
    assert shown_by_stars(scene(seed, **how)) in (None, "exposures")


def outcome_of(path: Path, images: tuple[np.ndarray, ...], **cards: object) -> str:
    hdu = fits.PrimaryHDU(np.stack(images))
    hdu.header.update(cards)
    hdu.writeto(path, overwrite=True)
    with open_fits(path) as hdus:
        try:
            plane_count(hdus)
        except Stop as stop:
            return stop.message if stop.outcome is Outcome.IS_CUBE else "?"
        return "".join(str(plane.colour) for plane in read_planes(hdus))


def test_stars_decide_where_cards_are_silent(tmp_path: Path) -> None:
    path = tmp_path / "cube.fits"
    stacked = {"FILTER": "r", "NCOMBINE": 3}
    assert "same colours" in outcome_of(path, scene(1), **stacked)
    assert "same colours" in outcome_of(path, scene(1))
    # the stars know better than a filter's card that one of three images left
    assert outcome_of(path, scene(1, colour_mag=0.3), FILTER="Red") == "RGB"
    assert outcome_of(path, scene(1, colour_mag=0.3)) == "RGB"
    assert "COLORTYP" in outcome_of(path, scene(1, n_stars=3), **stacked)
    # and cards know better than stars
    assert outcome_of(path, scene(1), CTYPE3="RGB") == "RGB"
    assert "3 images" in outcome_of(path, scene(1, colour_mag=0.3), CTYPE3="TIME")


def test_exposures_of_a_colour_camera(tmp_path: Path) -> None:
    path, pattern = tmp_path / "cube.fits", {"BAYERPAT": "RGGB"}
    mosaic = np.ones((SIDE, SIDE))
    mosaic[::2, ::2], mosaic[1::2, 1::2] = 0.6, 0.7
    raw = tuple((image * mosaic).astype(np.uint16) for image in scene(1))
    assert "same colours" in outcome_of(path, raw, **pattern)
    assert "same colours" in outcome_of(path, scene(2), **pattern)
    assert outcome_of(path, scene(2, colour_mag=0.3), **pattern) == "RGB"
    # no star tells, but a bright sky without a pattern is no raw one
    bright = scene(2, n_stars=0, sky=(3000.0, 3000.0, 3000.0))
    assert outcome_of(path, bright, **pattern) == "RGB"
    assert "COLORTYP" in outcome_of(path, bright)
