"""Solves a chip of a mosaic by the chips of the same file that are solved already.

They share the telescope's pointing, scale and rotation. What is left to be found is a
shift, and that needs far fewer stars than a frame of which nothing is known.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import pdtrc

from bhtom_cpcs.science.astrometry.chip_layout import Layout
from bhtom_cpcs.science.astrometry.coordinates import (
    Astrometry,
    deproject,
    project,
    separation_deg,
)
from bhtom_cpcs.science.astrometry.frame_solver import Solved, bright_plane
from bhtom_cpcs.science.astrometry.frame_wcs import astrometry_of_pose
from bhtom_cpcs.science.astrometry.pose import Field, Pose, similarity
from bhtom_cpcs.science.astrometry.star_patterns import (
    ComplexArray,
    IndexArray,
)
from bhtom_cpcs.science.reference import ReferenceCatalogue

METHOD: Final = "solved_by_other_chips"
# How far headers may misplace chips against each other: two per cent of the side,
# or this.
_LAYOUT_ERROR: Final = 0.02
_LAYOUT_ERROR_ARCSEC: Final = 30.0
_MATCH_PX: Final = 3.0
_MATCH_ARCSEC: Final = 1.0
_FEWEST_HITS: Final = 5
# As for the blind solver: chance that another sky is taken for the chip's, all
# trials counted.
_LARGEST_CHANCE: Final = 1e-7
_STARS: Final = 60
# Reference stars of a chip's area, brightest first: few for chips that show few.
_STARS_OF_A_FIELD: Final = (40, 150)
_MOST_STARS: Final = 6000
_CANDIDATES: Final = 4
_LARGEST_EXTENT_DEG: Final = 5.0
_GRID: Final = np.array([-0.5, 0.0, 0.5])


@dataclass(frozen=True, slots=True)
class SolvedChip:
    """A plane whose place the stars told, and what its header says of its place."""

    astrometry: Astrometry
    header: Astrometry | None
    layout: Layout
    shape: tuple[int, int]
    n_matched: int


@dataclass(frozen=True, slots=True)
class UnsolvedChip:
    """A plane whose place is sought beside `n_planes` - 1 others of its file."""

    field: Field
    header: Astrometry | None
    layout: Layout
    n_planes: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width [px]."""
        return self.field.height, self.field.width


@dataclass(frozen=True, slots=True)
class _Guess:
    """How the chip may lie about a place, and how far [arcsec] that may be off."""

    centre: tuple[float, float]
    pose: Pose
    reach_arcsec: float
    n_guesses: int = 1


def solutions_by_other_chips(
    chip: UnsolvedChip,
    solved: Sequence[SolvedChip],
    catalogue: ReferenceCatalogue,
    epoch_jyear: float,
) -> Iterator[Solved]:
    """Places of a chip where its stars fall on reference stars.

    First where the headers put it beside a solved one: by their celestial coordinates,
    wrong as these may be as a whole, or by the cards of the detector. Then anywhere in
    the field that the chips together can have, turned by quarters and mirrored or not.
    """
    if not solved or len(chip.field.stars) < _FEWEST_HITS:
        return
    best_first = sorted(solved, key=lambda one: -one.n_matched)
    for guess in _guesses(chip, best_first):
        pose = _shifted(chip.field, catalogue, guess, epoch_jyear)
        if pose is not None:
            found = astrometry_of_pose(pose, guess.centre, chip.shape)
            yield Solved(found, METHOD)


def is_far_from(one: Astrometry, other: SolvedChip, n_planes: int) -> bool:
    """Whether two planes of one file are further apart than any mosaic is wide."""
    apart = separation_deg(
        np.array([one.centre[0]]), np.array([one.centre[1]]), *other.astrometry.centre
    )
    widest = max(2 * one.radius_deg, 2 * other.astrometry.radius_deg) * n_planes
    return float(apart[0]) > max(widest, _LARGEST_EXTENT_DEG)


def _guesses(chip: UnsolvedChip, solved: Sequence[SolvedChip]) -> Iterator[_Guess]:
    """How the chip may lie, the best told first."""
    yield from _by_headers(chip, solved)
    for name, own in chip.layout.items():
        other = next((one for one in solved if name in one.layout), None)
        if other is not None:
            yield _beside(chip, other, own, other.layout[name])
    yield from _anywhere(chip, solved[0])


def _by_headers(chip: UnsolvedChip, solved: Sequence[SolvedChip]) -> Iterator[_Guess]:
    """Headers that are wrong as a whole still tell how chips lie to each other."""
    other = next((one for one in solved if one.header is not None), None)
    if chip.header is None or other is None or other.header is None:
        return
    about = other.header.centre
    own = _pose_about(about, chip.header, chip.shape)
    known = _pose_about(about, other.header, other.shape)
    if own is not None and known is not None:
        yield _beside(chip, other, own, known)


def _beside(chip: UnsolvedChip, other: SolvedChip, own: Pose, known: Pose) -> _Guess:
    """The chip's pose beside a solved one, by both their poses in another plane."""
    about = other.astrometry.centre
    true = _pose_about(about, other.astrometry, other.shape)
    assert true is not None  # noqa: S101 - a solved chip lies about its own centre
    pixels = _corners(chip.shape)
    placed = true.place(known.back(own.place(pixels)))
    ra, dec = deproject(np.column_stack([placed.real, placed.imag]), about)
    centre = (float(ra[4]), float(dec[4]))  # of the chip
    there = project(ra, dec, centre)
    pose = _fitted(pixels, there[:, 0] + 1j * there[:, 1])
    reach = max(_LAYOUT_ERROR * chip.field.side * pose.scale, _LAYOUT_ERROR_ARCSEC)
    return _Guess(centre, pose, reach)


def _anywhere(chip: UnsolvedChip, other: SolvedChip) -> Iterator[_Guess]:
    """Every quarter turn of a solved chip, on both sides, over the whole field."""
    about = other.astrometry.centre
    true = _pose_about(about, other.astrometry, other.shape)
    assert true is not None  # noqa: S101 - a solved chip lies about its own centre
    chips = min(chip.n_planes, 2 * math.sqrt(chip.n_planes) + 1)
    diagonal = math.hypot(chip.field.width, chip.field.height) * true.scale
    reach = min(chips * diagonal, 3600 * _LARGEST_EXTENT_DEG)
    for is_mirrored in (true.is_mirrored, not true.is_mirrored):
        for turn in (1, -1, 1j, -1j):
            pose = Pose(true.a * turn, 0j, is_mirrored)
            yield _Guess(about, pose, reach, n_guesses=8)


def _corners(shape: tuple[int, int]) -> ComplexArray:
    """Nine centred pixels over a chip, the fifth its centre."""
    height, width = shape
    x, y = np.meshgrid(_GRID * (width - 1), _GRID * (height - 1))
    corners: ComplexArray = (x + 1j * y).ravel()
    return corners


def _pose_about(
    about: tuple[float, float], astrometry: Astrometry, shape: tuple[int, int]
) -> Pose | None:
    """How a chip lies in the tangent plane about a place; None far from it."""
    pixels = _corners(shape)
    height, width = shape
    sky = astrometry.sky(pixels.real + (width - 1) / 2, pixels.imag + (height - 1) / 2)
    plane = project(*sky, about)
    if not np.isfinite(plane).all():
        return None
    return _fitted(pixels, plane[:, 0] + 1j * plane[:, 1])


def _fitted(pixels: ComplexArray, placed: ComplexArray) -> Pose:
    """The pose that brings pixels to their places, mirrored where that fits better."""
    poses = []
    for is_mirrored in (False, True):
        turned = np.conj(pixels) if is_mirrored else pixels
        a, b = similarity(turned[None], placed[None])
        pose = Pose(complex(a[0]), complex(b[0]), is_mirrored)
        poses.append((float(np.sum(np.abs(pose.place(pixels) - placed) ** 2)), pose))
    return min(poses, key=lambda pair: pair[0])[1]


def _shifted(
    field: Field, catalogue: ReferenceCatalogue, guess: _Guess, epoch_jyear: float
) -> Pose | None:
    """The guessed pose, shifted to where more stars meet than by chance."""
    scale = guess.pose.scale
    radius = guess.reach_arcsec + math.hypot(field.width, field.height) * scale / 2
    fields = max(math.pi * radius**2 / (field.width * field.height * scale**2), 1.0)
    for per_field in _STARS_OF_A_FIELD:
        count = int(min(per_field * fields, _MOST_STARS))
        plane = bright_plane(catalogue, guess.centre, radius / 3600, count, epoch_jyear)
        pose = _voted(field, plane, guess)
        if pose is not None:
            return pose
    return None


def _voted(field: Field, plane: ComplexArray, guess: _Guess) -> Pose | None:
    """Let pairs of bright stars vote for a shift, and ask whether that is chance."""
    if len(plane) < _FEWEST_HITS:
        return None
    stars = field.stars[:_STARS]
    placed = guess.pose.place(stars)
    radius = max(_MATCH_PX * guess.pose.scale, _MATCH_ARCSEC)
    shifts = (plane[None, :] - placed[:, None]).ravel()
    shifts = shifts[np.abs(shifts) <= guess.reach_arcsec]
    tree = cKDTree(np.column_stack([plane.real, plane.imag]))
    n_trials = guess.n_guesses * max((guess.reach_arcsec / radius) ** 2, 1.0)
    best: tuple[float, Pose] | None = None
    for shift in _densest(shifts, radius):
        pose = replace(guess.pose, b=guess.pose.b + shift)
        source, known = _hits(pose, stars, tree, radius)
        if len(source) < _FEWEST_HITS:
            continue
        back = pose.back(plane)
        n_inside = np.count_nonzero(
            (np.abs(back.real) < field.width / 2)
            & (np.abs(back.imag) < field.height / 2)
        )
        share = math.pi * (radius / pose.scale) ** 2 / (field.width * field.height)
        chance = float(pdtrc(len(source) - 1, len(stars) * n_inside * share)) * n_trials
        if chance <= _LARGEST_CHANCE and (best is None or chance < best[0]):
            off = plane[known] - pose.place(stars[source])
            shift_left = complex(np.median(off.real), np.median(off.imag))
            best = chance, replace(pose, b=pose.b + shift_left)
    return None if best is None else best[1]


def _densest(shifts: ComplexArray, radius: float) -> list[complex]:
    """Centres of the fullest cells of four grids that lie half a cell apart."""
    found: list[tuple[int, complex]] = []
    cell = 2 * radius
    for offset in (0, 0.5, 0.5j, 0.5 + 0.5j):
        grid = shifts / cell + offset
        column = np.floor(grid.real).astype(np.int64)
        row = np.floor(grid.imag).astype(np.int64)
        key = column * 4_000_003 + row
        _, index, count = np.unique(key, return_inverse=True, return_counts=True)
        for number in np.argsort(-count, kind="stable")[:_CANDIDATES]:
            members = shifts[index == number]
            middle = complex(np.median(members.real), np.median(members.imag))
            found.append((-int(count[number]), middle))
    found.sort(key=lambda pair: pair[0])
    return [middle for _, middle in found]


def _hits(
    pose: Pose, stars: ComplexArray, tree: cKDTree, radius: float
) -> tuple[IndexArray, IndexArray]:
    """Stars that fall on a reference star that no nearer one has."""
    at = pose.place(stars)
    distance, known = tree.query(np.column_stack([at.real, at.imag]))
    source: IndexArray = np.flatnonzero(distance <= radius)
    order = source[np.argsort(distance[source], kind="stable")]
    _, first = np.unique(known[order], return_index=True)
    chosen = order[np.sort(first)]
    return chosen, known[chosen]
