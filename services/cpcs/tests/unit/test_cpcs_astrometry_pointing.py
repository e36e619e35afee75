"""Pointings and pixel scales as headers write them."""

import pytest
from astropy.io import fits

from bhtom_cpcs.science.astrometry.pointing import (
    Pointing,
    distinct,
    header_pointings,
    scale_ranges,
)


def header(**cards: object) -> fits.Header:
    made = fits.Header()
    for card, value in cards.items():
        made[card.replace("__", "-")] = value
    return made


def places(made: fits.Header) -> list[tuple[float, float]]:
    return [(round(p.ra_deg, 3), round(p.dec_deg, 3)) for p in header_pointings(made)]


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({"RA": "12:29:17.64", "DEC": "25:28:45.5"}, [(187.324, 25.479)]),
        ({"RA": "12 29 17.64", "DEC": "-00 30 00"}, [(187.324, -0.5)]),
        ({"OBJCTRA": "12h29m17.64s", "OBJCTDEC": "+25d28m45.5s"}, [(187.324, 25.479)]),
        ({"RA": "187:19:24", "DEC": "+25:28"}, [(187.323, 25.467)]),
        ({"RA": 187.324, "DEC": 25.479}, [(187.324, 25.479)]),
        ({"RA": 5.64817, "DEC": -30.2}, [(5.648, -30.2), (84.723, -30.2)]),
        ({"RA": ("5.64817", "hours"), "DEC": -30.2}, [(84.723, -30.2)]),
        ({"RA__MNT": 301.56, "DEC__MNT": 44.46}, [(301.56, 44.46)]),
        ({"RA": "unknown", "DEC": 10.0}, []),
        ({"RA": 10.0, "DEC": 95.0}, []),
        ({"RA": 400.0, "DEC": 5.0}, []),
        ({"RA": "nan", "DEC": "inf"}, []),
        ({"RA": True, "DEC": True}, []),
        ({"RA": "", "DEC": ""}, []),
    ],
)
def test_pointings(cards: dict[str, object], expected: list) -> None:
    found = places(header(**cards))
    assert len(found) == len(expected)
    assert found == [pytest.approx(place, abs=2e-3) for place in expected]


def test_pointings_that_agree_count_once() -> None:
    same = (
        Pointing(359.99, 80.0, "a"),
        Pointing(0.02, 80.01, "b"),
        Pointing(5.0, 80.0, "c"),
    )
    assert [one.said_by for one in distinct(same)] == ["a", "c"]


def first(made: fits.Header, camera: float | None = None) -> tuple[float, float]:
    return next(iter(scale_ranges(made, camera, (1000, 1000))))


def test_scales_of_camera_and_cards() -> None:
    low, high = first(header(PIXSCALE=0.5), camera=0.8)
    assert low < 0.8 / 1.2 < 0.8 * 1.2 < high
    low, high = first(header(XPIXSZ=9.0, FOCALLEN=2000.0))
    assert low < 0.928 < high
    binned = list(scale_ranges(header(XBINNING=2), 0.4, (500, 500)))
    assert any(low < 0.8 < high and low > 0.5 for low, high in binned)


@pytest.mark.parametrize("side_deg", [0.05, 0.2, 1.0, 5.0, 10.0])
def test_unknown_scales_leave_no_gap(side_deg: float) -> None:
    scale = side_deg * 3600 / 1000
    ranges = list(scale_ranges(header(PIXSCALE=-1, FOCALLEN=0), None, (1000, 1000)))
    assert any(low <= scale <= high for low, high in ranges)
