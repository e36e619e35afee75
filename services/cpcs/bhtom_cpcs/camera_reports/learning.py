"""Estimates of a camera's properties from many frames; pure rules on their figures."""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bhtom_cpcs.camera_reports.estimates import (
    FEWEST_FRAMES,
    Estimate,
    median_of,
    weighted_mean,
)
from bhtom_cpcs.camera_reports.frame_figures import FrameFigures

FEWEST_NIGHTS: Final = 2
_FEWEST_STARS_IN_CELL: Final = 10
# One star's catalogue error, seen again in every frame, is not the flat field's.
_FEWEST_STARS_A_FRAME: Final = 3


@dataclass(frozen=True, slots=True)
class ColourTerm:
    """Slope of the zero point against a colour in a passband.

    `air_mass` is the frames' mean one, weighted as their slopes are, so that a slope
    which changes linearly with the air mass is the mean one there.
    """

    passband: str
    colour: str
    slope: Estimate
    air_mass: float | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """The median 5 sigma limit of the usual exposure in a passband [mag]."""

    passband: str
    exposure_time_s: float
    magnitude: Estimate


@dataclass(frozen=True, slots=True)
class CellEstimate:
    """What is left of the stars' zero points in one cell of the image [mag]."""

    column: int
    row: int
    residual: float
    error: float
    stars: int


def typical(
    frames: Sequence[FrameFigures], figure: Callable[[FrameFigures], float | None]
) -> Estimate | None:
    """The median of a figure over the frames that have it, None for too few."""
    values = [value for frame in frames if (value := figure(frame)) is not None]
    return median_of(values) if len(values) >= FEWEST_FRAMES else None


def colour_terms(frames: Sequence[FrameFigures]) -> tuple[ColourTerm, ...]:
    """Weighted mean slope of each passband and colour with enough frames and nights.

    Where the frames disagree by more than their errors, the error grows with them.
    """
    groups: dict[tuple[str, str], list[FrameFigures]] = defaultdict(list)
    for frame in frames:
        if frame.colour_term is not None and frame.colour_term_error:
            groups[str(frame.passband), str(frame.colour)].append(frame)
    found = []
    for (passband, colour), members in sorted(groups.items()):
        if _too_few(members):
            continue
        pairs = [
            (float(f.colour_term or 0), float(f.colour_term_error or 1))
            for f in members
        ]
        air_mass = _mean_air_mass(members, [error for _, error in pairs])
        found.append(ColourTerm(passband, colour, weighted_mean(pairs), air_mass))
    return tuple(found)


def _mean_air_mass(
    frames: Sequence[FrameFigures], errors: Sequence[float]
) -> float | None:
    """Mean air mass with the weights of the slopes; None where a frame has none."""
    known = [frame.air_mass for frame in frames if frame.air_mass is not None]
    if len(known) < len(frames):
        return None
    weights = [error**-2 for error in errors]
    total = sum(weights)
    return sum(w * mass for w, mass in zip(weights, known, strict=True)) / total


def limits(frames: Sequence[FrameFigures]) -> tuple[Limit, ...]:
    """What the usual exposure reaches in each passband.

    A sky-limited depth grows with 1.25 log10 of the time; each frame's limit is
    brought to the median exposure by that.
    """
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for frame in frames:
        if frame.passband and frame.limit_5_sigma is not None and frame.exposure_time_s:
            groups[frame.passband].append((frame.exposure_time_s, frame.limit_5_sigma))
    found = []
    for passband, pairs in sorted(groups.items()):
        if len(pairs) < FEWEST_FRAMES:
            continue
        usual = statistics.median(time for time, _ in pairs)
        depth = [limit + 1.25 * math.log10(usual / time) for time, limit in pairs]
        middle = median_of(depth)
        if middle is not None:
            found.append(Limit(passband, usual, middle))
    return tuple(found)


def flat_residuals(
    frames: Sequence[FrameFigures],
) -> tuple[int, int, tuple[CellEstimate, ...]] | None:
    """Mean residual of each cell: (columns, rows, cells), None without any.

    Only frames cut into as many cells as the newest one are taken.
    """
    mapped = [frame for frame in frames if frame.cells and frame.mjd is not None]
    if len(mapped) < FEWEST_FRAMES:
        return None
    newest = max(mapped, key=lambda frame: frame.mjd or 0.0)
    shape = (newest.map_columns, newest.map_rows)
    sums: dict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0] * 4)
    for frame in mapped:
        if (frame.map_columns, frame.map_rows) != shape:
            continue
        for cell in frame.cells:
            entry = sums[cell.column, cell.row]
            entry[0] += cell.weight
            entry[1] += cell.weighted_residual
            entry[2] += cell.stars
            entry[3] += 1
    cells = tuple(
        CellEstimate(column, row, product / weight, weight**-0.5, int(stars))
        for (column, row), (weight, product, stars, seen) in sorted(sums.items())
        if weight > 0
        and stars >= max(_FEWEST_STARS_IN_CELL, _FEWEST_STARS_A_FRAME * seen)
    )
    return (*shape, cells) if cells else None


def _too_few(frames: Sequence[FrameFigures]) -> bool:
    nights = {frame.night for frame in frames}
    return len(frames) < FEWEST_FRAMES or len(nights) < FEWEST_NIGHTS
