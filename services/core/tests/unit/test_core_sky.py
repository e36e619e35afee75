"""Cones on the sky: at the poles, across RA 0, and anywhere else."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bhtom_core.targets.sky import cone_ranges, healpix, separation_deg

RIGHT_ASCENSIONS = st.floats(0, 360, exclude_max=True)
DECLINATIONS = st.floats(-90, 90)
RADII_DEG = st.floats(0.001 / 3600, 10.0)
ANGLES = st.floats(0, 2 * math.pi)


def at_distance(
    ra: float, dec: float, distance_deg: float, angle: float
) -> tuple[float, float]:
    """The position that lies at a distance in a direction (great circle)."""
    phi, delta = math.radians(dec), math.radians(distance_deg)
    sine = math.sin(phi) * math.cos(delta)
    sine += math.cos(phi) * math.sin(delta) * math.cos(angle)
    there = math.asin(max(-1.0, min(1.0, sine)))
    across = math.atan2(
        math.sin(angle) * math.sin(delta) * math.cos(phi),
        math.cos(delta) - math.sin(phi) * math.sin(there),
    )
    return (ra + math.degrees(across)) % 360.0, math.degrees(there)


@given(RIGHT_ASCENSIONS, DECLINATIONS, RADII_DEG, st.floats(0, 1), ANGLES)
@example(0.0, 0.0, 3 / 3600, 0.99, math.pi / 2)
@example(359.9999999, 45.0, 3 / 3600, 0.99, math.pi / 2)
@example(0.0, 90.0, 3 / 3600, 0.5, 1.0)
@example(123.0, -90.0, 3 / 3600, 0.5, 1.0)
@example(10.0, 89.9999, 1.0, 0.9, 0.0)
def test_what_lies_in_the_cone_lies_in_its_ranges(
    ra: float, dec: float, radius: float, fraction: float, angle: float
) -> None:
    there_ra, there_dec = at_distance(ra, dec, radius * fraction, angle)
    if separation_deg(ra, dec, there_ra, there_dec) > radius:
        return  # rounding put it outside
    number = healpix(there_ra, there_dec)
    ranges = cone_ranges(ra, dec, radius)
    assert any(first <= number < after for first, after in ranges)


@given(RIGHT_ASCENSIONS, DECLINATIONS, st.floats(1 / 3600, 10.0))
def test_the_ranges_are_few_sorted_and_not_much_larger_than_the_cone(
    ra: float, dec: float, radius: float
) -> None:
    ranges = cone_ranges(ra, dec, radius)
    assert len(ranges) < 300
    assert all(a < b for a, b in ranges)
    assert all(ranges[i][1] <= ranges[i + 1][0] for i in range(len(ranges) - 1))
    covered = sum(after - first for first, after in ranges) / (12 * 4**29)
    wanted = (1 - math.cos(math.radians(radius))) / 2
    assert covered < 4 * wanted + 1e-13


def test_the_whole_sky_is_a_cone() -> None:
    ranges = cone_ranges(10.0, 20.0, 180.0)
    assert sum(after - first for first, after in ranges) == 12 * 4**29


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0.0, 90.0), (217.0, 90.0), 0.0),
        ((359.9999, 0.0), (0.0001, 0.0), 0.0002),
        ((0.0, 0.0), (180.0, 0.0), 180.0),
        ((10.0, -90.0), (200.0, 90.0), 180.0),
        ((10.0, 60.0), (10.0 + 2 / 3600, 60.0), 1 / 3600),
    ],
)
def test_separations(
    one: tuple[float, float], other: tuple[float, float], expected: float
) -> None:
    assert separation_deg(*one, *other) == pytest.approx(expected, abs=1e-9)
