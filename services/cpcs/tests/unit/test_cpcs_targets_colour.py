"""A constant star's catalogue colour corrects it; nobody else's does."""

from dataclasses import replace

import numpy as np
import pytest

from bhtom_cpcs.science.decisions import Decisions, TargetColour
from bhtom_cpcs.science.reference import ReferenceStars
from bhtom_cpcs.science.request import Ephemeris, EphemerisRow, TargetPosition
from bhtom_cpcs.science.targets.catalogue_colour import (
    catalogue_colour,
    recorded_colours,
)
from bhtom_cpcs.science.targets.target_position import TargetPlace
from bhtom_cpcs.science.zero_point_terms import ColourTerm

STAR = TargetPosition(7, 150.0, -24.0)
BLUE, RED = "C/g", "C/r"


def place(
    east_arcsec: float = 0.0, error_arcsec: float = 0.1, target: TargetPosition = STAR
) -> TargetPlace:
    """A target beside the first star."""
    ra = 150.0 + east_arcsec / 3600 / np.cos(np.radians(-24.0))
    return TargetPlace(target, ra, -24.0, (error_arcsec, error_arcsec), "coordinates")


@pytest.fixture
def stars() -> ReferenceStars:
    value = {"C/g": np.array([15.8, 14.0]), "C/r": np.array([15.0, 13.6])}
    return ReferenceStars(
        ra_deg=np.array([150.0, 150.01]),
        dec_deg=np.array([-24.0, -24.0]),
        epoch_jyear=2016.0,
        pm_ra_masyr=np.zeros(2),
        pm_dec_masyr=np.zeros(2),
        magnitude=value,
        error={band: np.full(2, 0.03) for band in value},
        verified={band: np.ones(2, dtype=bool) for band in value},
        tile_hashes=(),
        variable=np.array([False, False]),
    )


def test_a_constant_star_has_its_catalogue_colour(stars: ReferenceStars) -> None:
    colour = catalogue_colour(place(), stars, 2016.0, BLUE, RED)
    assert colour is not None
    assert colour.value_mag == pytest.approx(0.8)
    assert colour.error_mag == pytest.approx(0.03 * np.sqrt(2))
    assert (colour.target_id, colour.source) == (7, "catalogue")


@pytest.mark.parametrize(
    "variable", [None, np.array([True, False])], ids=["unknown", "variable"]
)
def test_a_star_not_known_to_be_constant_has_none(
    stars: ReferenceStars, variable: np.ndarray | None
) -> None:
    other = replace(stars, variable=variable)
    assert catalogue_colour(place(), other, 2016.0, BLUE, RED) is None


def test_no_neighbours_colour_is_taken(stars: ReferenceStars) -> None:
    assert catalogue_colour(place(3.6), stars, 2016.0, BLUE, RED) is None
    assert catalogue_colour(place(1.2), stars, 2016.0, BLUE, RED) is None
    assert catalogue_colour(place(1.2, 0.5), stars, 2016.0, BLUE, RED) is not None
    assert catalogue_colour(place(), stars, 2016.0, BLUE, "C/i") is None
    unknown = replace(
        stars, magnitude={**stars.magnitude, BLUE: np.array([np.nan, 14.0])}
    )
    assert catalogue_colour(place(), unknown, 2016.0, BLUE, RED) is None


@pytest.mark.parametrize("year", [1996.0, 2016.0, 2023.0, 2026.0, 2040.0])
def test_a_star_keeps_its_colour_while_it_moves(
    stars: ReferenceStars, year: float
) -> None:
    moving = replace(stars, pm_ra_masyr=np.array([150.0, 0.0]))
    there = place(0.15 * (year - 2016.0))
    assert catalogue_colour(there, moving, year, BLUE, RED) is not None
    if abs(year - 2016.0) > 10:
        assert catalogue_colour(place(), moving, year, BLUE, RED) is None


def test_a_body_that_moves_has_no_star_s_colour(stars: ReferenceStars) -> None:
    term = ColourTerm(BLUE, RED, 0.6, 0.1, 0.01, 0.1, 0.2, 1.4, 50)
    night = TargetColour(7, BLUE, RED, 0.5, 0.02, "same night")
    decided = Decisions(target_colours=(night,))
    rows = (EphemerisRow(60000.0, 150.0, -24.0), EphemerisRow(60001.0, 150.1, -24.0))
    body = place(target=TargetPosition(7, ephemeris=Ephemeris(rows)))
    assert recorded_colours(body, decided, term, stars, 57388.5) == (night,)
    both = recorded_colours(place(), decided, term, stars, 57388.5)
    assert [one.source for one in both] == ["same night", "catalogue"]
    assert recorded_colours(place(), decided, None, stars, 57388.5) == (night,)
