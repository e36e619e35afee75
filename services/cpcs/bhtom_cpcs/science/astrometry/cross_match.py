"""Matches the frame's sources to reference stars, whatever the bands offered."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from scipy.special import pdtrc

from bhtom_cpcs.science.astrometry.pair_cleaning import clean_scatter
from bhtom_cpcs.science.astrometry.plane_correction import (
    PlaneCorrection,
    best_correction,
    fit_correction,
    shifted,
)

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]

_BRIGHTEST_FOR_VOTE = 400
_REFERENCES_FOR_VOTE = 2000
_FEWEST_VOTES = 5
_FEWEST_PAIRS = 3
# What a lens may bend the edge of a frame away from a plane, a share of its side.
_LARGEST_BEND = 0.012
# A match by chance must be less likely than this; three pairs are what a shift and a
# turn can always bring together.
_LARGEST_CHANCE = 1e-6
_FREE_PAIRS = 2


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs of source and reference star, and how they lie to each other.

    `source` and `reference` are indices, one pair a row. `offset_arcsec` is the
    catalogue minus the header at the centre (east, north) [arcsec], `rms_arcsec` the
    scatter of an axis about the correction, wrong pairs apart, `radius_arcsec` what
    was matched within.
    """

    source: IndexArray
    reference: IndexArray
    correction: PlaneCorrection
    offset_arcsec: tuple[float, float]
    rms_arcsec: float
    radius_arcsec: float


def cross_match(
    sources: FloatArray,
    references: FloatArray,
    pixel_scale_arcsec: float,
    start: PlaneCorrection | None = None,
) -> Matches | None:
    """Match two lists of tangent-plane positions that may be shifted as a whole.

    Without a start all pairs of bright sources within a generous radius vote for a
    common shift; the densest spot wins. Then a correction is fitted to the pairs,
    outliers left out, its polynomial of as high an order as the pairs carry. The
    matching radius is twice the standard deviations of both axes together, at least
    one pixel; they are those of a Gaussian in a uniform background of wrong pairs.

    Parameters
    ----------
    sources, references : ndarray, shape (n, 2) and (m, 2)
        East and north of the same centre [arcsec], brightest first.
    pixel_scale_arcsec : float
        Width of a pixel, the scale of the positions' errors.
    start : PlaneCorrection, optional
        What is known already of how the sources lie to the references.

    Returns
    -------
    Matches or None
        None when nothing stands out of chance coincidences.
    """
    if not len(sources) or not len(references):
        return None
    if start is None:
        generous = max(30.0, 15 * pixel_scale_arcsec)
        shift = _common_shift(sources, references, generous, pixel_scale_arcsec)
        if shift is None:
            return None
        start = shifted(*shift)
    correction = _settled(sources, references, start, pixel_scale_arcsec)
    tree = cKDTree(references, balanced_tree=False, compact_nodes=False)
    radius = max(2.5 * pixel_scale_arcsec, 1.5)
    for last in (False, False, True):
        pairs = _mutual_pairs(correction.apply(sources), tree, radius)
        if len(pairs[0]) < _FEWEST_PAIRS:
            return None
        seen, true = sources[pairs[0]], references[pairs[1]]
        if last:
            correction = best_correction(seen, true, correction)
        else:
            correction, _ = fit_correction(seen, true, correction.order, correction)
        residual = true - correction.apply(seen)
        rms = float(1.4826 * np.median(np.abs(residual)))
        radius = max(2 * math.sqrt(2) * rms, pixel_scale_arcsec)
    placed = correction.apply(sources)
    scatter = clean_scatter(placed, references, rms, 3 * pixel_scale_arcsec)
    radius = max(2 * float(np.hypot(*scatter)), pixel_scale_arcsec)
    source, reference = _mutual_pairs(placed, tree, radius)
    if _chance(placed, references, radius, len(source)) > _LARGEST_CHANCE:
        return None
    east, north = (float(value) for value in correction.shift)
    rms = float(np.hypot(*scatter)) / math.sqrt(2)
    return Matches(source, reference, correction, (east, north), rms, radius)


def _settled(
    sources: FloatArray,
    references: FloatArray,
    start: PlaneCorrection,
    pixel: float,
) -> PlaneCorrection:
    """Follow what a lens bends, with bright stars that no other is near.

    The radius shrinks while the polynomial's order grows, and at each radius only as
    many of the brightest stars take part as can hardly be mistaken for each other.
    """
    placed = start.apply(sources)
    low, high = placed.min(axis=0), placed.max(axis=0)
    area = float(np.prod(np.maximum(high - low, pixel)))
    inside = ((references > low - pixel) & (references < high + pixel)).all(axis=1)
    known = references[inside]
    correction = start
    for share, order in ((1.0, 1), (0.6, 2), (0.3, 3)):
        reach = share * _LARGEST_BEND * math.sqrt(area)
        if reach <= 2.5 * pixel:
            break
        count = max(int(area / (4 * reach) ** 2), 8)
        if len(known) < _FEWEST_PAIRS:
            break
        pairs = _mutual_pairs(
            correction.apply(sources[:count]), cKDTree(known[:count]), reach
        )
        if len(pairs[0]) < 8:
            break
        seen, true = sources[pairs[0]], known[pairs[1]]
        if order == 1:
            correction = fit_correction(seen, true, 1, correction)[0]
        else:
            correction = best_correction(seen, true, correction, highest=order)
    return correction


def _chance(
    placed: FloatArray, references: FloatArray, radius: float, n_pairs: int
) -> float:
    """Say how likely so many pairs would be between unrelated lists of stars."""
    low, high = placed.min(axis=0) - radius, placed.max(axis=0) + radius
    inside = ((references > low) & (references < high)).all(axis=1).sum()
    area = float(np.prod(high - low))
    expected = len(placed) * float(inside) * math.pi * radius**2 / area
    return float(pdtrc(max(n_pairs - _FREE_PAIRS - 1, 0), expected))


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
    """Pairs that are each other's nearest, without rivals within the radius.

    A source with two reference stars within the radius may be either; so may, of two
    sources at one reference star, either be it. Both are dropped.
    """
    distance, nearest = tree.query(sources, k=2, distance_upper_bound=radius)
    found = np.isfinite(distance)
    rivals = np.bincount(nearest[found], minlength=tree.n)
    source = np.flatnonzero(found[:, 0] & ~found[:, 1])
    reference = nearest[source, 0]
    alone = rivals[reference] == 1
    return source[alone], reference[alone]
