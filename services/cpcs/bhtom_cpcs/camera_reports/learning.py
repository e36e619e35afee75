"""Estimates of a camera's properties from many frames; pure rules on their figures."""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bhtom_cpcs.camera_reports.frame_figures import FrameFigures

FEWEST_FRAMES: Final = 5
FEWEST_NIGHTS: Final = 2
_FEWEST_STARS_IN_CELL: Final = 10
# One star's catalogue error, seen again in every frame, is not the flat field's.
_FEWEST_STARS_A_FRAME: Final = 3
# Exposures of one night must differ by this much to tell of the shutter.
_LEVER: Final = 3.0
_WORST_REDUCED_CHI2: Final = 10.0
# All pairs of so many frames are looked at.
_MOST_POINTS: Final = 300
_MAD_TO_SIGMA: Final = 1.4826
_MEDIAN_ERROR: Final = 1.2533


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, its 1 sigma error, and how many frames it rests on."""

    value: float
    error: float
    frames: int


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


def median_of(values: Sequence[float]) -> Estimate | None:
    """Median with its error from the median absolute deviation."""
    if not values:
        return None
    middle = statistics.median(values)
    spread = _MAD_TO_SIGMA * statistics.median(abs(value - middle) for value in values)
    error = _MEDIAN_ERROR * spread / math.sqrt(len(values))
    return Estimate(middle, error, len(values))


def typical(
    frames: Sequence[FrameFigures], figure: Callable[[FrameFigures], float | None]
) -> Estimate | None:
    """The median of a figure over the frames that have it, None for too few."""
    values = [value for frame in frames if (value := figure(frame)) is not None]
    return median_of(values) if len(values) >= FEWEST_FRAMES else None


def gain(frames: Sequence[FrameFigures]) -> Estimate | None:
    """Gain by photon transfer over many frames: variance = read noise + level / gain.

    The straight line through the sky's variance against its level is free of any
    pedestal (Janesick 2007, Photon Transfer). It starts at the median slope of all
    pairs of frames; those that were averaged or normalised lie off it and are left
    out beyond three times the typical deviation. None without a sky that brightened
    by half its least level.
    """
    points = [
        (frame.sky_level_adu, frame.sky_variance_adu2)
        for frame in frames
        if frame.sky_level_adu is not None and frame.sky_variance_adu2
    ][:_MOST_POINTS]
    if len(points) < FEWEST_FRAMES:
        return None
    line = _median_line(points)
    for _ in range(5):
        kept = _near(points, line)
        if len(kept) < FEWEST_FRAMES:
            return None
        fitted = _weighted_line(kept, line)
        if fitted is None:
            return None
        line, error = fitted
    levels = [level for level, _ in kept]
    has_lever = max(levels) - min(levels) > 0.5 * max(abs(min(levels)), 1.0)
    slope = line[1]
    if slope <= 3 * error or not has_lever:
        return None
    return Estimate(1 / slope, error / slope**2, len(kept))


_Point = tuple[float, float]  # level [ADU], variance [ADU^2]
_Line = tuple[float, float]  # intercept, slope


def _median_line(points: Sequence[_Point]) -> _Line:
    """Median slope of all pairs, median intercept (Theil 1950; Sen 1968)."""
    slopes = [
        (v - variance) / (x - level)
        for number, (level, variance) in enumerate(points)
        for x, v in points[number + 1 :]
        if x != level
    ]
    slope = statistics.median(slopes) if slopes else 0.0
    return statistics.median(v - slope * x for x, v in points), slope


def _near(points: Sequence[_Point], line: _Line) -> list[_Point]:
    """Points within three times the typical relative deviation from a line."""
    off = [abs(v / (line[0] + line[1] * x or math.inf) - 1) for x, v in points]
    limit = 3 * _MAD_TO_SIGMA * statistics.median(off) + 1e-9
    return [point for point, far in zip(points, off, strict=True) if far <= limit]


def _weighted_line(points: Sequence[_Point], line: _Line) -> tuple[_Line, float] | None:
    """Least squares with the relative errors of a line; and the slope's error."""
    rows = [((line[0] + line[1] * x) ** -2, x, v) for x, v in points]
    total = sum(w for w, _, _ in rows)
    x_mean = sum(w * x for w, x, _ in rows) / total
    v_mean = sum(w * v for w, _, v in rows) / total
    square = sum(w * (x - x_mean) ** 2 for w, x, _ in rows)
    if square <= 0:
        return None
    slope = sum(w * (x - x_mean) * (v - v_mean) for w, x, v in rows) / square
    left = sum(w * (v - v_mean - slope * (x - x_mean)) ** 2 for w, x, v in rows)
    error = math.sqrt(left / (len(rows) - 2) / square)
    return (v_mean - slope * x_mean, slope), error


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
        found.append(ColourTerm(passband, colour, _weighted_mean(pairs), air_mass))
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


def shutter_time(frames: Sequence[FrameFigures]) -> Estimate | None:
    """Time that the shutter adds to (or takes from) what the header says [s].

    Frames of one night and passband differ in zero point by 2.5 log10(t + s); the s
    that makes them agree best is taken, with the error where chi-square grows by one
    (times its reduced value where that is above one). None without nights that have
    exposures three times as long as others, or where no s makes them agree.
    """
    groups = _nights_with_lever(frames)
    count = sum(len(group) for group in groups)
    freedom = count - len(groups) - 1
    if freedom < 3:
        return None
    shortest = min(time for group in groups for time, _, _ in group)
    low, high = -0.9 * shortest, 2.0 * shortest

    def disagreement(shutter: float) -> float:
        return sum(_spread_of_night(group, shutter) for group in groups)

    best = _minimum(disagreement, low, high)
    least = disagreement(best)
    scale = least / freedom
    if scale > _WORST_REDUCED_CHI2 or not low * 0.99 < best < high * 0.99:
        return None
    step = 1e-3 * shortest
    curvature = (
        disagreement(best + step) - 2 * least + disagreement(best - step)
    ) / step**2
    if curvature <= 0:
        return None
    return Estimate(best, math.sqrt(2 / curvature * max(scale, 1.0)), count)


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


def _weighted_mean(pairs: Sequence[tuple[float, float]]) -> Estimate:
    weights = [error**-2 for _, error in pairs]
    total = sum(weights)
    mean = sum(w * value for w, (value, _) in zip(weights, pairs, strict=True)) / total
    chi2 = sum(((value - mean) / error) ** 2 for value, error in pairs)
    scale = max(chi2 / (len(pairs) - 1), 1.0)
    return Estimate(mean, math.sqrt(scale / total), len(pairs))


_Exposure = tuple[float, float, float]  # time [s], zero point [mag], its error [mag]


def _nights_with_lever(frames: Sequence[FrameFigures]) -> list[list[_Exposure]]:
    groups: dict[tuple[int | None, str | None], list[_Exposure]] = defaultdict(list)
    for frame in frames:
        if frame.zero_point is None or not frame.exposure_time_s:
            continue
        error = max(frame.zero_point_error or 0.0, 0.002)
        exposure = (frame.exposure_time_s, frame.zero_point, error)
        groups[frame.night, frame.passband].append(exposure)
    return [
        group
        for _, group in sorted(groups.items(), key=str)
        if max(t for t, _, _ in group) >= _LEVER * min(t for t, _, _ in group)
    ]


def _spread_of_night(group: Sequence[_Exposure], shutter: float) -> float:
    """Chi-square of a night's zero points about their mean, for a shutter time."""
    values = [
        (zero_point - 2.5 * math.log10(time + shutter), error**-2)
        for time, zero_point, error in group
    ]
    total = sum(weight for _, weight in values)
    mean = sum(value * weight for value, weight in values) / total
    return sum(weight * (value - mean) ** 2 for value, weight in values)


def _minimum(function: Callable[[float], float], low: float, high: float) -> float:
    """Best of a grid, refined by golden sections between its neighbours."""
    points = [low + (high - low) * number / 200 for number in range(1, 200)]
    best = min(range(len(points)), key=lambda number: function(points[number]))
    a, b = points[max(best - 1, 0)], points[min(best + 1, len(points) - 1)]
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(60):
        left, right = b - golden * (b - a), a + golden * (b - a)
        if function(left) < function(right):
            b = right
        else:
            a = left
    return (a + b) / 2
