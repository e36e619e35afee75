"""Finds where a frame points by the patterns of its brightest stars."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from scipy.special import pdtrc

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
STARS_PER_FIELD = 28
_STARS_TO_VERIFY = 100
# Patterns much smaller than the frame have a vague shape, and larger ones are not
# among those of neighbours.
_SMALLEST_PATTERN, _LARGEST_PATTERN = 0.04, 0.75
_CENTROID_PX = 1.5
_BENT = 0.004
_MATCH_PX = 2.5
_MOST_POSES = 300
# Chance that a frame of another sky is taken for solved, all trials counted.
_LARGEST_CHANCE = 1e-7
_FEWEST_STARS = 6


@dataclass(frozen=True, slots=True)
class Pose:
    """How the frame lies in a plane: w = a z + b, z conjugated where `is_mirrored`.

    z is x + iy from the frame's centre [px], w is east + i north [arcsec].
    """

    a: complex
    b: complex
    is_mirrored: bool

    @property
    def scale(self) -> float:
        """Arcseconds a pixel."""
        return abs(self.a)

    def place(self, pixels: ComplexArray) -> ComplexArray:
        """Pixels to plane."""
        turned = np.conj(pixels) if self.is_mirrored else pixels
        placed: ComplexArray = self.a * turned + self.b
        return placed

    def back(self, plane: ComplexArray) -> ComplexArray:
        """Plane to pixels."""
        turned: ComplexArray = (plane - self.b) / self.a
        return np.conj(turned) if self.is_mirrored else turned


@dataclass(frozen=True, slots=True)
class Field:
    """A frame's sources for the solver: centred pixels, the brightest first.

    `stars` is thinned so that every part of the frame is heard.
    """

    stars: ComplexArray
    width: int
    height: int

    @property
    def side(self) -> float:
        """Side of a square of the same area [px]."""
        return math.sqrt(self.width * self.height)

    def tree(self) -> cKDTree:
        """Look up sources by their place."""
        return cKDTree(np.column_stack([self.stars.real, self.stars.imag]))


def field_of(x: FloatArray, y: FloatArray, shape: tuple[int, int]) -> Field:
    """Order a frame's sources for the solver.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Zero-based pixel positions, brightest first.
    shape : tuple of int
        Height and width of the frame [px].
    """
    height, width = shape
    side = math.sqrt(width * height)
    positions = np.column_stack([x, y])
    order = one_from_each_cell(positions, side / 2, _STARS_TO_VERIFY)
    centred = (x - (width - 1) / 2) + 1j * (y - (height - 1) / 2)
    return Field(centred[order], width, height)


def one_from_each_cell(positions: FloatArray, cell: float, count: int) -> IndexArray:
    """Order stars by their rank within cells of a grid, the brightest of each first.

    Returns the first `count`. Stars must come in order of brightness.
    """
    if not len(positions):
        return np.zeros(0, dtype=np.int64)
    column, row = np.floor(positions.T / cell).astype(np.int64)
    key = (column - column.min()) * (int(np.ptp(row)) + 1) + row - row.min()
    order = np.argsort(key, kind="stable")
    sorted_key = key[order]
    first = np.flatnonzero(np.r_[True, sorted_key[1:] != sorted_key[:-1]])
    start_of = np.repeat(first, np.diff(np.r_[first, len(key)]))
    rank = np.empty(len(key), dtype=np.int64)
    rank[order] = np.arange(len(key)) - start_of
    return np.argsort(rank, kind="stable")[:count]


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
    if len(field.stars) < _FEWEST_STARS or len(plane) < _FEWEST_STARS:
        return None
    side = field.side * math.sqrt(scale_range[0] * scale_range[1])
    positions = np.column_stack([plane.real, plane.imag])
    known = plane[brightest_of_cells(positions, side / 2, _STARS_TO_VERIFY // 4)]
    n_trials = 0
    for per_field, neighbours, wanted_lists in _rounds(field):
        chosen = brightest_of_cells(positions, side / 2, per_field // 4)
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
    return np.minimum(_CENTROID_PX / patterns.size + _BENT, CELL / 2)


def similarity(z: ComplexArray, w: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Least-squares w = a z + b for every row of four stars."""
    z_mean, w_mean = z.mean(axis=1), w.mean(axis=1)
    dz, dw = z - z_mean[:, None], w - w_mean[:, None]
    a = (dw * np.conj(dz)).sum(axis=1) / (np.abs(dz) ** 2).sum(axis=1)
    return a, w_mean - a * z_mean


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


def verified_pose(
    field: Field,
    tree: cKDTree,
    plane: ComplexArray,
    pose: Pose,
    own: IndexArray,
    n_trials: int,
) -> Pose | None:
    """Return the pose, refined, if more stars fall on sources than chance allows.

    The stars of the pattern that suggested it, `own`, do not count. The chance is
    that of a Poisson distribution whose mean is the sum of the shares of the frame
    that the stars' error circles cover, times the number of trials.
    """
    middle = complex(field.stars[own].mean())
    reach = float(np.abs(field.stars[own] - middle).max())
    source, _, radius = _hits(field, tree, plane, pose, (middle, reach))
    n_matched = len(np.unique(source[~np.isin(source, own)]))
    if n_matched == 0:
        return None
    share = math.pi * radius**2 * len(field.stars) / (field.width * field.height)
    expected = max(float(np.minimum(share, 1.0).sum()), 1e-9)
    if float(pdtrc(n_matched - 1, expected)) * n_trials > _LARGEST_CHANCE:
        return None
    return _refined(field, tree, plane, pose)


def _hits(
    field: Field,
    tree: cKDTree,
    plane: ComplexArray,
    pose: Pose,
    known_part: tuple[complex, float],
) -> tuple[IndexArray, IndexArray, FloatArray]:
    """Sources that reference stars fall on, those stars, and all error radii [px].

    The radius grows with the distance from the part of the frame (its middle and
    radius) that the pose was made from.
    """
    at = pose.back(plane)
    inside = np.flatnonzero(
        (np.abs(at.real) < field.width / 2) & (np.abs(at.imag) < field.height / 2)
    )
    at = at[inside]
    middle, reach = known_part
    away = np.abs(at - middle)
    radius = _MATCH_PX * np.maximum(1.0, away / (2 * reach)) + _BENT * away
    radius = np.minimum(radius, 0.02 * field.side + 2)
    distance, source = tree.query(np.column_stack([at.real, at.imag]))
    hit = distance <= radius
    return source[hit], inside[hit], radius


def _refined(field: Field, tree: cKDTree, plane: ComplexArray, pose: Pose) -> Pose:
    """Fit the pose to all stars that it brings together, a few times."""
    whole_frame = (0j, field.side / 2)
    for _ in range(3):
        source, known, _ = _hits(field, tree, plane, pose, whole_frame)
        z, w = field.stars[source], plane[known]
        a, b = similarity((np.conj(z) if pose.is_mirrored else z)[None], w[None])
        pose = replace(pose, a=complex(a[0]), b=complex(b[0]))
    return pose
