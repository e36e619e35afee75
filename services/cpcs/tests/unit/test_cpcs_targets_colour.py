"""A constant star's catalogue colour corrects it; nobody else's does."""

from dataclasses import replace

import numpy as np
import pytest

from bhtom_cpcs.science.reference import ReferenceStars
from bhtom_cpcs.science.targets.catalogue_colour import catalogue_colour

PLACE = (150.0, -24.0)


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
    colour = catalogue_colour(7, PLACE, stars, "C/g", "C/r")
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
    assert catalogue_colour(7, PLACE, other, "C/g", "C/r") is None


def test_no_neighbours_colour_is_taken(stars: ReferenceStars) -> None:
    assert catalogue_colour(7, (150.001, -24.0), stars, "C/g", "C/r") is None
    assert catalogue_colour(7, PLACE, stars, "C/g", "C/i") is None
    nan = {**stars.magnitude, "C/g": np.array([np.nan, 14.0])}
    assert (
        catalogue_colour(7, PLACE, replace(stars, magnitude=nan), "C/g", "C/r") is None
    )
