"""Fluxes of overlapping stars, solved together, and what the overlap costs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from bhtom_cpcs.science.stars.stamps import Places

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.int64]

_CHUNK_VALUES = 2_000_000
_STEPS, _TOLERANCE = 200, 1e-7
_MOST_NEIGHBOURS = 10
# Two stars in one place: keeps the equations solvable, their errors become huge.
_RIDGE, _STRONG_RIDGE = 1e-9, 1e-4


@dataclass(frozen=True, slots=True)
class Pairs:
    """Stars whose fitted pixels overlap, each pair once, in order."""

    first: IndexArray
    second: IndexArray

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.first)


def overlapping(x: FloatArray, y: FloatArray, reach_px: float) -> Pairs:
    """Return all pairs of positions nearer to each other than `reach_px`."""
    tree = cKDTree(np.stack([x, y], axis=1))
    found = tree.query_pairs(reach_px, output_type="ndarray").astype(np.int64)
    found.sort(axis=1)
    order = np.lexsort((found[:, 1], found[:, 0]))
    return Pairs(found[order, 0], found[order, 1])


def overlaps(
    pairs: Pairs, at: Places, profile: FloatArray, weight: FloatArray
) -> FloatArray:
    """Sum of weight times both stars' profiles over common pixels, one a pair.

    `weight` is that of the first star's pixels, one stamp a pair.
    """
    side = 2 * at.half + 1
    total = np.zeros(len(pairs))
    step = max(1, _CHUNK_VALUES // side**2)
    for start in range(0, len(pairs), step):
        i, j = pairs.first[start : start + step], pairs.second[start : start + step]
        row = np.arange(side) - (at.row[j] - at.row[i])[:, None]
        column = np.arange(side) - (at.column[j] - at.column[i])[:, None]
        common = ((row >= 0) & (row < side))[:, :, None]
        common = common & ((column >= 0) & (column < side))[:, None, :]
        np.clip(row, 0, side - 1, out=row)
        np.clip(column, 0, side - 1, out=column)
        other = profile[j[:, None, None], row[:, :, None], column[:, None, :]]
        product = profile[i] * weight[start : start + step] * other * common
        total[start : start + step] = product.sum(axis=(1, 2))
    return total


def correlations(pairs: Pairs, overlap: FloatArray, diagonal: FloatArray) -> csr_array:
    """Symmetric matrix of the stars' overlaps, scaled to a diagonal of 1."""
    count = len(diagonal)
    scale = 1 / np.sqrt(diagonal)
    value = overlap * scale[pairs.first] * scale[pairs.second]
    every = np.arange(count)
    row = np.concatenate([every, pairs.first, pairs.second])
    column = np.concatenate([every, pairs.second, pairs.first])
    values = np.concatenate([np.full(count, 1 + _RIDGE), value, value])
    return csr_array((values, (row, column)), shape=(count, count))


def solve(matrix: csr_array, right: FloatArray) -> FloatArray:
    """Solve by conjugate gradients; plain sums, so threads change no bit."""
    solution = np.zeros_like(right)
    residual = right.copy()
    direction = residual.copy()
    square = float(np.sum(residual**2))
    enough = _TOLERANCE**2 * square
    for _ in range(_STEPS):
        if square <= enough or square == 0:
            break
        moved = matrix @ direction
        curvature = float(np.sum(direction * moved))
        if curvature <= 0:
            break
        step = square / curvature
        solution += step * direction
        residual -= step * moved
        following = float(np.sum(residual**2))
        direction = residual + (following / square) * direction
        square = following
    return solution


def variance_growth(matrix: csr_array, pairs: Pairs) -> FloatArray:
    """Factor by which fitting the neighbours too raises each flux's variance.

    Diagonal of the inverse, from the block of each star and its closest neighbours:
    what lies behind them changes it little.
    """
    count = matrix.shape[0]
    growth = np.ones(count)
    if not len(pairs):
        return growth
    blended = np.unique(np.concatenate([pairs.first, pairs.second]))
    members = _members(matrix, blended)
    size = members.shape[1]
    step = max(1, _CHUNK_VALUES // size**2)
    for start in range(0, len(blended), step):
        part = members[start : start + step]
        known = part >= 0
        index = np.where(known, part, 0)
        block = np.asarray(
            matrix[np.repeat(index, size, axis=1).ravel(), np.tile(index, size).ravel()]
        ).reshape(len(part), size, size)
        block = block * known[:, :, None] * known[:, None, :]
        each = np.arange(size)
        block[:, each, each] = 1 + _RIDGE
        unit = np.zeros((len(part), size, 1))
        unit[:, 0] = 1
        try:
            solved = np.linalg.solve(block, unit)
        except np.linalg.LinAlgError:  # stars upon each other, as in an even plane
            block[:, each, each] = 1 + _STRONG_RIDGE
            solved = np.linalg.solve(block, unit)
        growth[blended[start : start + step]] = solved[:, 0, 0]
    return np.maximum(growth, 1.0)


def _members(matrix: csr_array, blended: IndexArray) -> IndexArray:
    """Each star and its neighbours of greatest overlap; -1 fills up."""
    count = np.diff(matrix.indptr)
    star = np.repeat(np.arange(len(count)), count)
    apart = matrix.indices != star
    star, other, value = star[apart], matrix.indices[apart], matrix.data[apart]
    order = np.lexsort((-value, star))
    star, other = star[order], other[order]
    place = np.arange(len(star)) - np.searchsorted(star, star)
    row = np.full(len(count), -1)
    row[blended] = np.arange(len(blended))
    chosen = place < _MOST_NEIGHBOURS
    members = np.full((len(blended), 1 + _MOST_NEIGHBOURS), -1, dtype=np.int64)
    members[:, 0] = blended
    members[row[star[chosen]], 1 + place[chosen]] = other[chosen]
    used = int(np.max(np.sum(members >= 0, axis=1)))
    return members[:, :used]
