"""Patterns of four stars whose shape is the same in the frame and in the catalogue.

The idea of the code is that of Lang et al. (2010), AJ 139, 1782, section 2.2: two of
the stars span a frame of reference in which the other two have coordinates that no
shift, rotation or change of scale alters. Here the two are always the widest pair, so
that each set of four stars has one code, and the look-up table is a sorted list of
cells, which can be made within a second or be mapped from a file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]
IndexArray = npt.NDArray[np.int64]

CELL = 0.02
_CELLS_PER_AXIS = 128  # two units of a code's range and a margin
_PAIRS = np.array(list(combinations(range(4), 2)))
_THE_OTHER_TWO = np.array([(2, 3), (1, 3), (1, 2), (0, 3), (0, 2), (0, 1)])


@dataclass(frozen=True, slots=True)
class Patterns:
    """Fours of stars, one a row.

    Attributes
    ----------
    stars : ndarray of int64, shape (n, 4)
        Indices of the widest pair and of the two others, in the code's order.
    code : ndarray of float64, shape (n, 4)
        Along and across the widest pair in units of its length: (u, v) of the third
        star, (u, v) of the fourth. v changes its sign in a mirror.
    size : ndarray of float64, shape (n,)
        Length of the widest pair, in the unit of the positions.
    """

    stars: IndexArray
    code: FloatArray
    size: FloatArray

    def __len__(self) -> int:
        """Count the patterns."""
        return len(self.size)


def patterns_of(positions: ComplexArray, fours: IndexArray) -> Patterns:
    """Measure the patterns of sets of four stars.

    Parameters
    ----------
    positions : ndarray of complex128, shape (n_stars,)
        Positions in a plane, x + iy, in any unit.
    fours : ndarray of int64, shape (n, 4)
        Indices into the positions.
    """
    corner = positions[fours]
    lengths = np.abs(corner[:, _PAIRS[:, 0]] - corner[:, _PAIRS[:, 1]])
    widest = np.argmax(lengths, axis=1)
    rows = np.arange(len(fours))
    size = lengths[rows, widest]
    fours = fours[size > 0]
    widest, size = widest[size > 0], size[size > 0]
    rows = np.arange(len(fours))
    ends, inner = _PAIRS[widest], _THE_OTHER_TWO[widest]
    order = np.column_stack([ends, inner])
    stars = fours[rows[:, None], order]
    first, second = positions[stars[:, 0]], positions[stars[:, 1]]
    shape = (positions[stars[:, 2:]] - first[:, None]) / (second - first)[:, None]
    turned = shape.real.sum(axis=1) > 1
    stars[turned, :2] = stars[turned, 1::-1]
    shape[turned] = 1 - shape[turned]
    swapped = shape[:, 0].real > shape[:, 1].real
    stars[swapped, 2:] = stars[swapped, :1:-1]
    shape[swapped] = shape[swapped, ::-1]
    code = np.column_stack(
        [shape[:, 0].real, shape[:, 0].imag, shape[:, 1].real, shape[:, 1].imag]
    )
    return Patterns(stars, code, size)


def mirrored(patterns: Patterns) -> Patterns:
    """Return the patterns as a mirror shows them."""
    return Patterns(
        patterns.stars, patterns.code * np.array([1, -1, 1, -1]), patterns.size
    )


def neighbour_fours(positions: FloatArray, neighbours: int) -> IndexArray:
    """Each star with every three of its nearest neighbours, each set once."""
    n_stars = len(positions)
    neighbours = min(neighbours, n_stars - 1)
    if neighbours < 3:
        return np.zeros((0, 4), dtype=np.int64)
    _, near = cKDTree(positions, balanced_tree=False, compact_nodes=False).query(
        positions, k=neighbours + 1
    )
    threes = np.array(list(combinations(range(1, neighbours + 1), 3)))
    fours = np.empty((n_stars, len(threes), 4), dtype=np.int64)
    fours[:, :, 0] = near[:, :1]
    fours[:, :, 1:] = near[:, threes]
    flat = np.sort(fours.reshape(-1, 4), axis=1)
    if n_stars > 2**15:
        return np.unique(flat, axis=0)
    packed = np.unique(flat @ (1 << np.array([45, 30, 15, 0])))
    unpacked: IndexArray = (packed[:, None] >> np.array([45, 30, 15, 0])) & 0x7FFF
    return unpacked


def fours_in_batches(n_stars: int, batches: tuple[int, ...]) -> Iterator[IndexArray]:
    """All sets of four of the first stars, then those that more stars add, and so on.

    A batch holds the sets whose last star lies between one limit and the next.
    """
    start = 3
    for limit in batches:
        stop = min(limit, n_stars)
        if stop > start:
            yield _fours_ending(start, stop)
            start = stop


@cache
def _fours_ending(start: int, stop: int) -> IndexArray:
    """Sets of four whose last star lies in a range; the same for every frame."""
    sets = [
        (*three, last)
        for last in range(start, stop)
        for three in combinations(range(last), 3)
    ]
    found = np.array(sets, dtype=np.int64)
    found.flags.writeable = False
    return found


@dataclass(frozen=True, slots=True)
class PatternIndex:
    """Patterns sorted by the cell of their code; arrays may be mapped from a file."""

    cells: npt.NDArray[np.uint32]
    stars: npt.NDArray[Any]
    code: npt.NDArray[Any]
    size: npt.NDArray[Any]

    def __len__(self) -> int:
        """Count the patterns."""
        return len(self.cells)


def make_index(patterns: Patterns) -> PatternIndex:
    """Sort patterns for the look-up."""
    cells = _packed(_cell_numbers(patterns.code))
    order = np.argsort(cells, kind="stable")
    return PatternIndex(
        cells[order], patterns.stars[order], patterns.code[order], patterns.size[order]
    )


def look_up(
    index: PatternIndex,
    wanted: Patterns,
    tolerance: FloatArray,
    scale_range: tuple[float, float],
) -> tuple[IndexArray, IndexArray]:
    """Find the index's patterns that look like the wanted ones.

    Parameters
    ----------
    tolerance : ndarray, shape (n_wanted,)
        Largest difference of a code's four numbers, at most half of `CELL`.
    scale_range : tuple of float
        Smallest and largest ratio of an index pattern's size to the wanted one's.

    Returns
    -------
    wanted, found : ndarray of int64
        Rows of the two that agree, one pair an element.
    """
    lower = _cell_numbers(wanted.code - tolerance[:, None])
    upper = _cell_numbers(wanted.code + tolerance[:, None])
    keys, rows = [], []
    every = np.arange(len(wanted))
    for corner in range(16):
        high = np.array([corner >> axis & 1 for axis in range(4)], dtype=bool)
        useful = ((upper > lower) | ~high).all(axis=1)
        keys.append(_packed(np.where(high, upper, lower)[useful]))
        rows.append(every[useful])
    key, row = np.concatenate(keys), np.concatenate(rows)
    first = np.searchsorted(index.cells, key, side="left")
    filled = first < len(index)
    filled[filled] = index.cells[first[filled]] == key[filled]
    key, row, first = key[filled], row[filled], first[filled]
    count = np.searchsorted(index.cells, key, side="right") - first
    row, found = np.repeat(row, count), _ranges(first, count)
    ratio = index.size[found] / wanted.size[row]
    good = (ratio >= scale_range[0]) & (ratio <= scale_range[1])
    row, found = row[good], found[good]
    apart = np.abs(index.code[found] - wanted.code[row]).max(axis=1, initial=0)
    good = apart <= tolerance[row]
    return row[good], found[good]


def _cell_numbers(code: FloatArray) -> IndexArray:
    cells = np.floor((code + 1.2) / CELL).astype(np.int64)
    return np.clip(cells, 0, _CELLS_PER_AXIS - 1)


def _packed(cells: IndexArray) -> npt.NDArray[np.uint32]:
    """One number for the four cells of a code."""
    packed = (
        (cells[:, 0] << 21) | (cells[:, 1] << 14) | (cells[:, 2] << 7) | cells[:, 3]
    )
    return packed.astype(np.uint32)


def _ranges(first: IndexArray, count: IndexArray) -> IndexArray:
    """Concatenate the ranges [first, first + count)."""
    total = int(count.sum())
    before = np.cumsum(count) - count
    ranges: IndexArray = np.repeat(first - before, count) + np.arange(total)
    return ranges
