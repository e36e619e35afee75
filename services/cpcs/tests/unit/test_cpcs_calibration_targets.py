"""What a zero point is for one target: its place, its colour, the stars' hull."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bhtom_cpcs.science.calibration.borrowed import borrowed_value
from bhtom_cpcs.science.calibration.convex_hull import convex_hull, inside_hull
from bhtom_cpcs.science.calibration.zero_point_at import (
    OTHER_SLOPE_SPREAD,
    STANDARD_SLOPE_SPREAD,
    UNKNOWN_COLOUR_MAG,
    zero_point_at,
)
from bhtom_cpcs.science.decisions import BorrowedZeroPoint, TargetColour
from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.results.zero_point import ZeroPoint
from bhtom_cpcs.science.zero_point_terms import (
    ColourTerm,
    ExtinctionTerm,
    SpatialTerm,
)

PLAIN = ZeroPoint(
    passband="GaiaSP/r",
    passband_text="r(GaiaSP)",
    value=24.0,
    error=0.01,
    scatter=0.03,
    n_stars=50,
    n_matched=60,
    outlier_fraction=0.1,
    matching_radius_arcsec=2.0,
    ranking=(),
)
TERM = ColourTerm("GaiaSP/g", "GaiaSP/r", 0.6, 0.1, 0.01, 0.1, 0.2, 1.4, 50)


def colour(value: float, error: float = 0.02, blue: str = "GaiaSP/g") -> TargetColour:
    return TargetColour(1, blue, "GaiaSP/r", value, error, "same night")


def test_plain_zero_point_is_the_same_everywhere() -> None:
    exact = replace(TERM, value=0.0, error=0.0, applied=0.0)
    found = zero_point_at(replace(PLAIN, colour_term=exact), 10.0, 900.0, [colour(1.5)])
    assert (found.value, found.error, found.colour_error, found.flags) == (
        24.0,
        0.01,
        0.0,
        (),
    )


def test_unknown_colour_goes_into_the_error() -> None:
    found = zero_point_at(replace(PLAIN, colour_term=TERM), 0, 0)
    assert found.value == 24.0
    assert found.colour_error == pytest.approx(
        math.hypot(0.1, 0.01) * UNKNOWN_COLOUR_MAG
    )
    assert found.flags == ("colour_assumed",)
    other = zero_point_at(
        replace(PLAIN, colour_term=TERM), 0, 0, [colour(1.0, blue="GaiaSP/B")]
    )
    assert other == found


def test_a_slope_that_was_not_measured_is_that_of_filters() -> None:
    standard = zero_point_at(PLAIN, 0, 0)
    assert standard.colour_error == pytest.approx(
        STANDARD_SLOPE_SPREAD * UNKNOWN_COLOUR_MAG
    )
    assert standard.flags == ("colour_assumed",)
    clear = replace(PLAIN, flags=(FlagWord.NON_STANDARD_PASSBAND,))
    assert zero_point_at(clear, 0, 0).colour_error == pytest.approx(
        OTHER_SLOPE_SPREAD * UNKNOWN_COLOUR_MAG
    )


def test_without_a_slope_the_distance_from_the_stars_colour_counts() -> None:
    """Too few stars have a colour for a slope, but it is known which ones they have."""
    term = replace(TERM, value=None, error=None, applied=0.0)
    term = replace(term, mean_colour=1.1, mean_colour_error=0.2)
    at = replace(PLAIN, colour_term=term)

    def colour_error(*colours: TargetColour) -> float:
        found = zero_point_at(at, 0, 0, colours)
        assert found.value == 24.0
        return found.colour_error / STANDARD_SLOPE_SPREAD

    assert colour_error(colour(1.1)) == pytest.approx(0.2)
    assert colour_error(colour(0.6)) == pytest.approx(math.hypot(0.5, 0.2))
    assert colour_error(colour(1.8)) == pytest.approx(math.hypot(0.7, 0.2))
    unknown = math.hypot(UNKNOWN_COLOUR_MAG, 0.5, 0.2)
    assert colour_error() == pytest.approx(unknown)


@given(st.floats(-0.5, 0.5), st.floats(1e-3, 2.0))
def test_a_slope_that_is_not_applied_enters_the_budget(
    value: float, error: float
) -> None:
    term = replace(TERM, value=value, error=error, applied=0.0)
    found = zero_point_at(replace(PLAIN, colour_term=term), 0, 0)
    assert found.value == 24.0
    own = math.hypot(value, error)
    assert found.colour_error <= own * UNKNOWN_COLOUR_MAG
    # no more than its share of the frame's own, no less than a well-known zero
    least = min(error, STANDARD_SLOPE_SPREAD) / math.sqrt(2)
    assert found.colour_error >= 0.99 * least * UNKNOWN_COLOUR_MAG
    if error < 0.02 < abs(value):
        assert found.colour_error == pytest.approx(own * UNKNOWN_COLOUR_MAG, rel=0.05)
    assert ("colour_assumed" in found.flags) == (found.colour_error > 0.01)


def test_a_recorded_colour_leaves_the_slope_times_its_distance() -> None:
    term = replace(TERM, value=0.02, error=0.03, applied=0.0, mean_colour=0.8)
    like = zero_point_at(replace(PLAIN, colour_term=term), 0, 0, [colour(0.8)])
    assert (like.value, like.colour_error, like.flags) == (24.0, 0.0, ())
    pivot = zero_point_at(replace(PLAIN, colour_term=term), 0, 0, [colour(0.6)])
    assert (pivot.value, pivot.flags) == (24.0, ())
    assert pivot.colour_error == pytest.approx(0.2 * 0.0345, abs=0.0002)
    redder = zero_point_at(replace(PLAIN, colour_term=term), 0, 0, [colour(1.8)])
    assert redder.value == 24.0
    assert redder.colour_error == pytest.approx(0.0345, abs=0.001)


def test_an_applied_slope_is_as_uncertain_as_far_from_the_stars_mean() -> None:
    placed = replace(PLAIN, colour_term=replace(TERM, mean_colour=1.0))
    exact = zero_point_at(placed, 0, 0, [colour(1.0, error=0.0)])
    assert (exact.value, exact.colour_error) == (pytest.approx(24.04), 0.0)
    pivot = zero_point_at(placed, 0, 0, [colour(0.6, error=0.0)])
    assert (pivot.value, pivot.colour_error) == (24.0, pytest.approx(0.01 * 0.4))


@pytest.mark.parametrize("applied", [0.0, 0.1])
def test_an_unknown_colour_adds_the_way_from_the_stars_to_the_pivot(
    applied: float,
) -> None:
    near = replace(TERM, applied=applied, mean_colour=0.6)
    found, far = (
        zero_point_at(
            replace(PLAIN, colour_term=replace(near, mean_colour=mean)), 0, 0
        ).colour_error
        for mean in (0.6, 1.2)
    )
    unsure = 0.01 if applied else found / UNKNOWN_COLOUR_MAG
    assert far == pytest.approx(math.hypot(found, unsure * 0.6))
    older = replace(PLAIN, colour_term=replace(near, mean_colour=None))
    assert zero_point_at(older, 0, 0).colour_error == found


def test_a_learnt_slope_brings_its_own_error() -> None:
    term = replace(TERM, value=0.1, error=0.2, applied=0.02, applied_error=0.004)
    found = zero_point_at(replace(PLAIN, colour_term=term), 0, 0)
    assert found.colour_error == pytest.approx(math.hypot(0.02, 0.004) * 0.4)
    known = zero_point_at(replace(PLAIN, colour_term=term), 0, 0, [colour(1.6)])
    assert known.colour_error == pytest.approx(math.hypot(0.02 * 0.02, 0.004))


def test_recorded_colour_corrects() -> None:
    found = zero_point_at(replace(PLAIN, colour_term=TERM), 0, 0, [colour(1.1)])
    assert found.value == pytest.approx(24.05)
    assert found.colour_error == pytest.approx(math.hypot(0.1 * 0.02, 0.01 * 0.5))
    assert found.flags == ()
    beyond = zero_point_at(replace(PLAIN, colour_term=TERM), 0, 0, [colour(2.0)])
    assert beyond.flags == ("colour_extrapolated",)


def test_place_and_its_error() -> None:
    term = SpatialTerm(
        1,
        500.0,
        500.0,
        500.0,
        (0.05, -0.02),
        ((1e-4, 0.0, 0.0), (0.0, 4e-4, 0.0), (0.0, 0.0, 4e-4)),
    )
    placed = replace(PLAIN, spatial_term=term)
    centre = zero_point_at(placed, 500.0, 500.0)
    assert (centre.value, centre.error) == (24.0, pytest.approx(0.01))
    corner = zero_point_at(placed, 1000.0, 0.0)
    assert corner.value == pytest.approx(24.07)
    assert corner.error == pytest.approx(math.sqrt(9e-4))
    assert zero_point_at(placed, 2000.0, -500.0).value == corner.value


def test_air_mass_of_a_wide_field() -> None:
    term = ExtinctionTerm(-0.3, 0.05, -0.3, 1.5, 1.4, 1.6, 100)
    wide = replace(PLAIN, extinction_term=term)
    assert zero_point_at(wide, 0, 0, air_mass=1.6).value == pytest.approx(23.97)
    assert zero_point_at(wide, 0, 0).value == 24.0


def test_outside_the_stars_hull() -> None:
    hull = convex_hull(np.array([0.0, 100, 100, 0, 50]), np.array([0.0, 0, 90, 90, 40]))
    assert len(hull) == 4
    exact = replace(TERM, value=0.0, error=0.0, applied=0.0)
    framed = replace(PLAIN, hull_px=hull, colour_term=exact)
    assert zero_point_at(framed, 50.0, 80.0).flags == ()
    assert zero_point_at(framed, 50.0, 95.0).flags == ("outside_stars_hull",)


places = st.lists(
    st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=30
)


@given(places)
def test_hull_holds_all_its_points(points: list[tuple[int, int]]) -> None:
    x, y = np.array(points, dtype=float).T
    corners = convex_hull(x, y)
    assert set(corners) <= set(zip(x, y, strict=True))
    if len(corners) > 2:
        assert all(inside_hull(corners, *point) for point in points)
        assert not inside_hull(corners, 51.0, 0.0)


LENT = BorrowedZeroPoint("V", 60000.1, "GaiaSP/V", 23.0, 0.01, 60.0, 1.2, 7)


def test_borrowed_zero_point_follows_exposure_and_air_mass() -> None:
    value, error = borrowed_value(LENT, 60.0, 1.2)
    assert (value, error) == (23.0, pytest.approx(0.05))
    longer, _ = borrowed_value(LENT, 600.0, 1.2)
    assert longer == pytest.approx(25.5)
    lower, wider = borrowed_value(LENT, 60.0, 2.2)
    assert lower == pytest.approx(23.0 - 0.15)
    assert wider == pytest.approx(math.hypot(0.05, 0.05))
    _, unknown = borrowed_value(LENT, 60.0, None)
    assert unknown > 0.1
    _, poor = borrowed_value(replace(LENT, error=0.2), 60.0, 1.2)
    assert poor == pytest.approx(0.2)
