"""Matches the frame's sources to reference stars, whatever the bands offered."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from bhtom_cpcs.science.astrometry.coordinates import NO_CORRECTION, Affine

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]

_BRIGHTEST_FOR_VOTE = 400
_REFERENCES_FOR_VOTE = 2000
_FEWEST_VOTES = 5
_FEWEST_FOR_AFFINE = 12
_CLIP_SIGMA = 3.0


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs of source and reference star, and how they lie to each other.

    `source` and `reference` are indices, one pair a row. `offset_arcsec` is the
    catalogue minus the header at the centre (east, north) [arcsec], `rms_arcsec` the
    robust scatter of an axis about the correction, `radius_arcsec` what was matched
    within.
    """

    source: IndexArray
    reference: IndexArray
    correction: Affine
    offset_arcsec: tuple[float, float]
    rms_arcsec: float
    radius_arcsec: float


def cross_match(
    sources: FloatArray,
    references: FloatArray,
    pixel_scale_arcsec: float,
) -> Matches | None:
    """Match two lists of tangent-plane positions that may be shifted as a whole.

    All pairs of bright sources within a generous radius vote for a common shift; the
    densest spot wins. Then an affine correction is fitted to the pairs, outliers left
    out, and the pairs are made anew within 2 sigma of both axes together, at least
    one pixel.

    Parameters
    ----------
    sources, references : ndarray, shape (n, 2) and (m, 2)
        East and north of the same centre [arcsec], brightest first.
    pixel_scale_arcsec : float
        Width of a pixel, the scale of the positions' errors.

    Returns
    -------
    Matches or None
        None when no shift stands out of chance coincidences.
    """
    generous = max(30.0, 15 * pixel_scale_arcsec)
    shift = _common_shift(sources, references, generous, pixel_scale_arcsec)
    if shift is None:
        return None
    correction = Affine(np.eye(2), shift)
    radius = max(2.5 * pixel_scale_arcsec, 1.5)
    tree = cKDTree(references, balanced_tree=False, compact_nodes=False)
    rms = radius / 2
    for _ in range(3):
        pairs = _mutual_pairs(correction.apply(sources), tree, radius)
        if len(pairs[0]) < 3:
            return None
        correction = _fit(sources[pairs[0]], references[pairs[1]], correction)
        residual = references[pairs[1]] - correction.apply(sources[pairs[0]])
        rms = float(1.4826 * np.median(np.abs(residual)))
        radius = max(2 * np.sqrt(2) * rms, pixel_scale_arcsec)
    source, reference = _mutual_pairs(correction.apply(sources), tree, radius)
    east, north = (float(value) for value in correction.shift)
    return Matches(source, reference, correction, (east, north), rms, float(radius))


def _common_shift(
    sources: FloatArray, references: FloatArray, reach: float, pixel: float
) -> FloatArray | None:
    """Find the shift that most pairs of bright stars agree on."""
    bright = sources[:_BRIGHTEST_FOR_VOTE]
    known = references[:_REFERENCES_FOR_VOTE]
    if not len(bright) or not len(known):
        return None
    pairs = cKDTree(bright).sparse_distance_matrix(
        cKDTree(known), reach, output_type="ndarray"
    )
    offsets = known[pairs["j"]] - bright[pairs["i"]]
    if len(offsets) < _FEWEST_VOTES:
        return None
    reach_of_vote = max(pixel, 0.7)
    tree = cKDTree(offsets)
    votes = tree.query_ball_point(offsets, reach_of_vote, return_length=True)
    # the smallest shift among equals: a header is more often right than wrong
    best = int(np.lexsort((np.hypot(*offsets.T), -votes))[0])
    by_chance = len(offsets) * (reach_of_vote / reach) ** 2
    if votes[best] < max(_FEWEST_VOTES, by_chance + 5 * np.sqrt(by_chance) + 2):
        return None
    near = offsets[tree.query_ball_point(offsets[best], reach_of_vote)]
    shift: FloatArray = np.median(near, axis=0)
    return shift


def _mutual_pairs(
    sources: FloatArray, tree: cKDTree, radius: float
) -> tuple[IndexArray, IndexArray]:
    """Pairs that are each other's nearest, without rivals within the radius."""
    distance, nearest = tree.query(sources, k=2, distance_upper_bound=radius)
    single = np.isfinite(distance[:, 0]) & ~np.isfinite(distance[:, 1])
    source = np.flatnonzero(single)
    reference = nearest[source, 0]
    # of several sources at one reference star the nearest stays
    order = np.lexsort((distance[source, 0], reference))
    source, reference = source[order], reference[order]
    first = np.ones(len(source), dtype=bool)
    first[1:] = reference[1:] != reference[:-1]
    source, reference = source[first], reference[first]
    order = np.argsort(source, kind="stable")
    return source[order], reference[order]


def _fit(sources: FloatArray, references: FloatArray, start: Affine) -> Affine:
    """Least-squares correction of the pairs, clipped; a shift when they are few."""
    keep = np.ones(len(sources), dtype=bool)
    fitted = start
    for _ in range(3):
        fitted = _solve(sources[keep], references[keep])
        residual = np.hypot(*(references - fitted.apply(sources)).T)
        limit = _CLIP_SIGMA * 1.4826 * np.median(residual[keep]) + 1e-6
        keep = residual <= limit
        if keep.sum() < 3:
            return start
    return fitted


def _solve(sources: FloatArray, references: FloatArray) -> Affine:
    difference = references - sources
    if len(sources) < _FEWEST_FOR_AFFINE:
        return Affine(NO_CORRECTION.matrix, np.median(difference, axis=0))
    scale = max(float(np.abs(sources).max()), 1.0)
    columns = [sources[:, 0] / scale, sources[:, 1] / scale, np.ones(len(sources))]
    # normal equations with plain sums: the same bits whatever the number of threads
    normal = np.array([[np.sum(a * b) for b in columns] for a in columns])
    if np.linalg.cond(normal) > 1e8:
        return Affine(NO_CORRECTION.matrix, np.median(difference, axis=0))
    right = np.array([[np.sum(a * d) for d in difference.T] for a in columns])
    solution = np.linalg.solve(normal, right)
    return Affine(np.eye(2) + solution[:2].T / scale, solution[2])
