"""Headers tell how chips lie to each other, in every convention the same."""

from collections.abc import Callable, Mapping

import pytest
from astropy.io import fits

from bhtom_cpcs.science.astrometry.chip_layout import chip_layout
from bhtom_cpcs.science.astrometry.pose import Pose

SHAPE = (400, 300)  # height and width
# First pixel of each chip on the detector; the second is read from its other side.
FIRST, SECOND = (0, 0), (320, 450)


def cards(**values: object) -> fits.Header:
    return fits.Header(list(values.items()))


def sections(left: int, bottom: int, *, mirrored: bool) -> fits.Header:
    ends = (left + 300, left + 1) if mirrored else (left + 1, left + 300)
    place = f"[{ends[0]}:{ends[1]},{bottom + 1}:{bottom + 400}]"
    return cards(DETSEC=place, DATASEC="[1:300,1:400]")


def matrices(left: int, bottom: int, *, mirrored: bool) -> fits.Header:
    """Trimmed by 20 columns and binned by two, so that LTM and LTV matter."""
    sign, start = (-1, left + 301) if mirrored else (1, left)
    bias = {"LTM1_1": 0.5, "LTM2_2": 0.5, "LTV1": 20.25, "LTV2": 0.25}
    # detector = sign * (pixel's place on the trimmed, unbinned chip) + start
    ccd = {"DTM1_1": sign * 0.5, "DTM2_2": 0.5}
    shift = {"DTV1": start + sign * 20.25, "DTV2": bottom + 0.25}
    return cards(**bias, **ccd, **shift)


def amplifiers(left: int, bottom: int, *, mirrored: bool) -> fits.Header:
    if mirrored:
        return cards(LTM1_1=-1.0, LTV1=left + 301.0, LTV2=-float(bottom))
    return cards(LTV1=-float(left), LTV2=-float(bottom))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(
    ("name", "header"),
    [("DETSEC", sections), ("DTV", matrices), ("LTV", amplifiers)],
)
def test_chips_lie_where_their_cards_say(
    name: str, header: Callable[..., fits.Header], mirrored: bool
) -> None:
    first = chip_layout(header(*FIRST, mirrored=False), SHAPE)[name]
    second = chip_layout(header(*SECOND, mirrored=mirrored), SHAPE)[name]
    assert second.is_mirrored is mirrored
    # the second's centre, and a pixel right of it, in the first's centred pixels
    assert first.back(second.place(0j)) == pytest.approx(320 + 450j, abs=1)
    right = first.back(second.place(10 + 0j)) - first.back(second.place(0j))
    assert right == pytest.approx(-10 if mirrored else 10, abs=0.1)
    up = first.back(second.place(10j)) - first.back(second.place(0j))
    assert up == pytest.approx(10j, abs=0.1)


def test_one_tangent_point_counts_in_the_pixels_of_each() -> None:
    first = chip_layout(cards(CRPIX1=10.0, CRPIX2=-50.0), SHAPE)["CRPIX"]
    second = chip_layout(cards(CRPIX1=-310.0, CRPIX2=-500.0), SHAPE)["CRPIX"]
    assert first.back(second.place(0j)) == pytest.approx(320 + 450j)


def test_colours_of_one_image_lie_alike() -> None:
    layout = chip_layout(fits.Header(), SHAPE, "PRIMARY")
    assert layout == {"colours of PRIMARY": Pose(1, 0, False)}


@pytest.mark.parametrize(
    "hostile",
    [
        {"DETSEC": "[1:2,3]"},
        {"DETSEC": "[1:99999999,1:5]"},
        {"DETSEC": "[1:300,1:800]", "DATASEC": "[1:300,1:400]"},
        {"DETSEC": "[1:300,1:400]", "DATASEC": "[300:1,1:400]"},
        {"DETSEC": 5},
        {"LTM1_1": 0.0},
        {"DTV1": "x", "DTV2": 0.0, "LTM2_2": 0.0},
        {"DTM1_1": 0.0, "DTV1": 1.0, "DTV2": 1.0},
        {"DTM1_1": 5.0, "DTV1": 1.0, "DTV2": 1.0},
        {"CRPIX1": "nowhere", "CRPIX2": 2.0},
    ],
)
def test_cards_that_say_nothing_are_left_out(hostile: Mapping[str, object]) -> None:
    assert not chip_layout(cards(**hostile), SHAPE)
