"""A frame for the solver, how it lies on the sky, and whether that is by chance."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import pdtrc

from bhtom_cpcs.science.astrometry.star_patterns import (
    ComplexArray,
    FloatArray,
    IndexArray,
)

STARS_TO_VERIFY = 100
# How much a lens bends a part of a frame, a share of the part's size.
BENT = 0.004
_MATCH_PX = 2.5
# Chance that a frame of another sky is taken for solved, all trials counted.
_LARGEST_CHANCE = 1e-7


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
    order = one_from_each_cell(positions, side / 2, STARS_TO_VERIFY)
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


def similarity(z: ComplexArray, w: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Least-squares w = a z + b for every row of four stars."""
    z_mean, w_mean = z.mean(axis=1), w.mean(axis=1)
    dz, dw = z - z_mean[:, None], w - w_mean[:, None]
    a = (dw * np.conj(dz)).sum(axis=1) / (np.abs(dz) ** 2).sum(axis=1)
    return a, w_mean - a * z_mean


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
    radius = _MATCH_PX * np.maximum(1.0, away / (2 * reach)) + BENT * away
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
