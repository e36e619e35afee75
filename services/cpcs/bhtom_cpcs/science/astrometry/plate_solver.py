"""Finds where a frame points by the patterns of its brightest stars."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from bhtom_cpcs.science.astrometry.pose import (
    BENT,
    STARS_TO_VERIFY,
    Field,
    Pose,
    similarity,
    verified_pose,
)
from bhtom_cpcs.science.astrometry.star_patterns import (
    CELL,
    ComplexArray,
    FloatArray,
    IndexArray,
    PatternIndex,
    Patterns,
    fours_in_batches,
    look_up,
    make_index,
    mirrored,
    neighbour_fours,
    patterns_of,
)

_BATCHES = (10, 14, 18, 22, 26, 30)
_NEIGHBOURS = 7
_MOST_STARS = 24_000  # whose patterns are made at once: 250 MB
STARS_PER_FIELD = 28
# Patterns much smaller than the frame have a vague shape, and larger ones are not
# among those of neighbours.
_SMALLEST_PATTERN, _LARGEST_PATTERN = 0.04, 0.75
_CENTROID_PX = 1.5
_MOST_POSES = 300
FEWEST_TO_SOLVE = 6


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Poses that one pattern each suggests; the patterns' stars on both sides."""

    a: ComplexArray
    b: ComplexArray
    is_mirrored: npt.NDArray[np.bool_]
    in_frame: IndexArray
    in_catalogue: IndexArray

    def __len__(self) -> int:
        return len(self.a)


def solve_in_plane(
    field: Field, plane: ComplexArray, scale_range: tuple[float, float]
) -> Pose | None:
    """Find the frame among reference stars in one tangent plane.

    Patterns of the frame's brightest stars are looked up among those of neighbouring
    reference stars. The poses that most of them agree on are verified first: by the
    number of other stars that fall on a source, against what chance would give.

    Parameters
    ----------
    field : Field
    plane : ndarray of complex128, shape (n,)
        Reference stars, east + i north [arcsec], brightest first.
    scale_range : tuple of float
        Smallest and largest possible pixel scale [arcsec]; a ratio of up to two is
        searched well.

    Returns
    -------
    Pose or None
        None when nothing stands out of chance by a factor of 1e7, trials counted.
    """
    if len(field.stars) < FEWEST_TO_SOLVE or len(plane) < FEWEST_TO_SOLVE:
        return None
    side = field.side * math.sqrt(scale_range[0] * scale_range[1])
    positions = np.column_stack([plane.real, plane.imag])
    known = plane[brightest_of_cells(positions, side / 2, STARS_TO_VERIFY // 4)]
    n_trials = 0
    for per_field, neighbours, wanted_lists in _rounds(field):
        chosen = brightest_of_cells(positions, side / 2, per_field // 4)
        chosen = chosen[:_MOST_STARS]
        fours = neighbour_fours(positions[chosen], neighbours)
        index = make_index(patterns_of(plane[chosen], fours))
        for wanted in wanted_lists:
            found = _candidates(field, plane[chosen], index, wanted, scale_range)
            n_trials += len(found)
            pose = _verified(field, known, found, n_trials)
            if pose is not None:
                return pose
    return None


def _rounds(field: Field) -> Iterator[tuple[int, int, Iterator[Patterns]]]:
    """Stars a field, neighbours, and the frame's patterns: first few, then many."""
    yield STARS_PER_FIELD, _NEIGHBOURS, frame_patterns(field)
    yield 2 * STARS_PER_FIELD, _NEIGHBOURS + 1, neighbour_patterns(field)


def neighbour_patterns(field: Field) -> Iterator[Patterns]:
    """Patterns of neighbours among twice as many stars."""
    stars = field.stars[: 2 * STARS_PER_FIELD]
    positions = np.column_stack([stars.real, stars.imag])
    yield _of_good_size(field, patterns_of(stars, neighbour_fours(positions, 11)))


def brightest_of_cells(positions: FloatArray, cell: float, per_cell: int) -> IndexArray:
    """The brightest few stars of every cell, in the given order."""
    column, row = np.floor(positions.T / cell).astype(np.int64)
    key = (column - column.min()) * (int(np.ptp(row)) + 1) + row - row.min()
    order = np.argsort(key, kind="stable")
    sorted_key = key[order]
    first = np.flatnonzero(np.r_[True, sorted_key[1:] != sorted_key[:-1]])
    start_of = np.repeat(first, np.diff(np.r_[first, len(key)]))
    return np.sort(order[np.arange(len(key)) - start_of < per_cell])


def frame_patterns(field: Field) -> Iterator[Patterns]:
    """Patterns of the frame's stars, the brightest first."""
    for fours in fours_in_batches(len(field.stars), _BATCHES):
        yield _of_good_size(field, patterns_of(field.stars, fours))


def _of_good_size(field: Field, found: Patterns) -> Patterns:
    good = (found.size > _SMALLEST_PATTERN * field.side) & (
        found.size < _LARGEST_PATTERN * field.side
    )
    return Patterns(found.stars[good], found.code[good], found.size[good])


def _candidates(
    field: Field,
    plane: ComplexArray,
    index: PatternIndex,
    wanted: Patterns,
    scale_range: tuple[float, float],
) -> _Candidates:
    tolerance = code_tolerance(wanted)
    parts = []
    for mirror in (False, True):
        shown = mirrored(wanted) if mirror else wanted
        row, found = look_up(index, shown, tolerance, scale_range)
        in_frame, in_catalogue = wanted.stars[row], index.stars[found]
        z, w = field.stars[in_frame], plane[in_catalogue]
        a, b = similarity(np.conj(z) if mirror else z, w)
        parts.append((a, b, np.full(len(a), mirror), in_frame, in_catalogue))
    return _Candidates(*(np.concatenate(pair) for pair in zip(*parts, strict=True)))


def code_tolerance(patterns: Patterns) -> FloatArray:
    """How far the codes of a frame's patterns may be off."""
    return np.minimum(_CENTROID_PX / patterns.size + BENT, CELL / 2)


def _verified(
    field: Field, plane: ComplexArray, found: _Candidates, n_trials: int
) -> Pose | None:
    """Verify poses in the order of the votes they have."""
    if not len(found):
        return None
    order = np.argsort(-_votes(field, found), kind="stable")[:_MOST_POSES]
    tree = field.tree()
    for number in order:
        suggested = Pose(
            complex(found.a[number]),
            complex(found.b[number]),
            bool(found.is_mirrored[number]),
        )
        own = found.in_frame[number]
        pose = verified_pose(field, tree, plane, suggested, own, n_trials)
        if pose is not None:
            return pose
    return None


def _votes(field: Field, found: _Candidates) -> IndexArray:
    """Count the candidates that place and turn the frame alike."""
    scale = np.abs(found.a)
    reach = field.side * scale / 10
    features = np.column_stack(
        [
            found.b.real / reach.mean(),
            found.b.imag / reach.mean(),
            np.log(scale) / 0.04,
            found.a.real / scale / 0.1,
            found.a.imag / scale / 0.1,
            found.is_mirrored * 10.0,
        ]
    )
    votes: IndexArray = cKDTree(features).query_ball_point(
        features, 1.0, return_length=True
    )
    return votes
