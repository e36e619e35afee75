"""A shutter's own time, by nights with exposures of different length."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from bhtom_cpcs.camera_reports.estimates import Estimate
from bhtom_cpcs.camera_reports.frame_figures import FrameFigures

# Exposures of one night must differ by this much to tell of the shutter.
_LEVER: Final = 3.0
# Beyond this the extinction between two frames would look like the shutter.
_AIR_MASS_RANGE: Final = 0.1
_WORST_REDUCED_CHI2: Final = 10.0

_Alike = tuple[int | None, str | None, str, str, int | None]
_Exposure = tuple[float, float, float]  # time [s], zero point [mag], its error [mag]


def shutter_time(frames: Sequence[FrameFigures]) -> Estimate | None:
    """Time that the shutter adds to (or takes from) what the header says [s].

    Frames of one night, passband, image and tenth of the air mass differ in zero point
    by 2.5 log10(t + s); the s that makes them agree best is taken, with the error where
    chi-square grows by one
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


def _nights_with_lever(frames: Sequence[FrameFigures]) -> list[list[_Exposure]]:
    groups: dict[_Alike, list[_Exposure]] = defaultdict(list)
    for frame in frames:
        if frame.zero_point is None or not frame.exposure_time_s:
            continue
        error = max(frame.zero_point_error or 0.0, 0.002)
        exposure = (frame.exposure_time_s, frame.zero_point, error)
        air_mass = frame.air_mass
        part = None if air_mass is None else math.floor(air_mass / _AIR_MASS_RANGE)
        # chips, and the colours of a camera, have gains of their own
        image = frame.sampled.image, frame.sampled.colour
        groups[frame.night, frame.passband, *image, part].append(exposure)
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
