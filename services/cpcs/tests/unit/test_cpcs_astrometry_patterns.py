"""Patterns of stars are known again however the frame lies, and strangers are not."""

import numpy as np
import pytest

from bhtom_cpcs.science.astrometry.plate_solver import solve_in_plane
from bhtom_cpcs.science.astrometry.pose import field_of
from bhtom_cpcs.science.astrometry.star_patterns import (
    look_up,
    make_index,
    mirrored,
    neighbour_fours,
    patterns_of,
)

SHAPE = (800, 1000)


def stars(n: int, seed: int, half: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(-half, half, n) + 1j * rng.uniform(-half, half, n)


@pytest.mark.parametrize("turn", [1.0, 2.5 * np.exp(1.1j), 0.1 * np.exp(-3j)])
@pytest.mark.parametrize("mirror", [False, True])
def test_code_does_not_see_scale_and_rotation(turn: complex, mirror: bool) -> None:
    place = stars(40, 1, 500)
    fours = neighbour_fours(np.column_stack([place.real, place.imag]), 5)
    known = patterns_of(place, fours)
    seen = (np.conj(place) if mirror else place) * turn + (30 - 8j)
    found = patterns_of(seen, fours)
    assert np.allclose(found.size, known.size * abs(turn))
    shown = mirrored(found) if mirror else found
    assert np.allclose(shown.code, known.code, atol=1e-9)
    tolerance = np.full(len(found), 0.001)
    scale = (0.9 / abs(turn), 1.1 / abs(turn))
    row, hit = look_up(make_index(known), shown, tolerance, scale)
    assert set(row) == set(range(len(known)))
    index = make_index(known)
    same = (np.sort(index.stars[hit]) == np.sort(found.stars[row])).all(axis=1)
    assert same.mean() > 0.95
    assert not len(look_up(index, shown, tolerance, (scale[1] * 2, scale[1] * 3))[0])


def sources_of(place: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A quarter missing, a quarter spurious, centroids of 0.3 px."""
    rng = np.random.default_rng(seed)
    seen = place[rng.random(len(place)) > 0.25]
    seen = seen + rng.normal(0, 0.3, len(seen)) + 1j * rng.normal(0, 0.3, len(seen))
    stray = rng.uniform(-500, 500, len(seen) // 3) + 1j * rng.uniform(
        -400, 400, len(seen) // 3
    )
    mixed = np.concatenate([seen, stray])
    order = np.argsort(np.r_[np.arange(len(seen)), 3 * np.arange(len(stray))])
    mixed = mixed[order]
    return mixed.real + 499.5, mixed.imag + 399.5


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("mirror", [False, True])
def test_frame_is_found_in_a_large_plane(seed: int, mirror: bool) -> None:
    plane = stars(3000, seed, 4000.0)
    a, b = 0.8 * np.exp(1j * seed), 1500 - 900j * np.cos(seed)
    pixels = (plane - b) / a
    if mirror:
        pixels = np.conj(pixels)
    inside = (np.abs(pixels.real) < 500) & (np.abs(pixels.imag) < 400)
    field = field_of(*sources_of(pixels[inside], seed), SHAPE)
    pose = solve_in_plane(field, plane, (0.7, 1.0))
    assert pose is not None
    assert pose.is_mirrored is mirror
    assert abs(pose.a - a) < 2e-3
    assert abs(pose.b - b) < 1.0
    assert np.abs(pose.back(pose.place(field.stars)) - field.stars).max() < 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_strangers_are_not_solved(seed: int) -> None:
    plane = stars(3000, seed, 4000.0)
    other = stars(60, seed + 50, 400.0)
    field = field_of(other.real + 499.5, other.imag + 399.5, SHAPE)
    assert solve_in_plane(field, plane, (0.7, 1.0)) is None


@pytest.mark.parametrize("n_sources", [0, 1, 5])
def test_too_few_sources_are_not_solved(n_sources: int) -> None:
    place = stars(n_sources, 1, 400)
    field = field_of(place.real, place.imag, SHAPE)
    assert solve_in_plane(field, stars(300, 2, 1000), (0.5, 2.0)) is None


def test_all_sources_in_one_place_are_survived() -> None:
    field = field_of(np.full(30, 7.0), np.full(30, 9.0), SHAPE)
    assert solve_in_plane(field, stars(300, 2, 1000), (0.5, 2.0)) is None
    assert solve_in_plane(field, np.zeros(50, dtype=complex), (0.5, 2.0)) is None
