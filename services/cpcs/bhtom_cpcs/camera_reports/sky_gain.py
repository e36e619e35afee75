"""A camera's gain by the noise of its skies, dark and bright."""

import math
import statistics
from collections.abc import Sequence
from typing import Final

from bhtom_cpcs.camera_reports.estimates import FEWEST_FRAMES, MAD_TO_SIGMA, Estimate
from bhtom_cpcs.camera_reports.frame_figures import FrameFigures

# Stars on more of the image add noise of their own to the sky's, as if the gain were
# lower: by 4 % at a share of 0.03, 20 % at 0.1, 40 % at 0.2 (simulated).
_MOST_STARS: Final = 0.06
# All pairs of so many frames are looked at.
_MOST_POINTS: Final = 300

_Point = tuple[float, float]  # level [ADU], variance [ADU^2]
_Line = tuple[float, float]  # intercept, slope


def sky_gain(frames: Sequence[FrameFigures]) -> Estimate | None:
    """Gain by photon transfer over many frames: variance = read noise + level / gain.

    The straight line through the sky's variance against its level is free of any
    pedestal (Janesick 2007, Photon Transfer). It starts at the median slope of all
    pairs of frames; those that were averaged or normalised lie off it and are left
    out beyond three times the typical deviation, crowded ones before. None without a
    sky that brightened by half its least level.
    """
    points = [
        (frame.sky_level_adu, frame.sky_variance_adu2)
        for frame in frames
        if frame.sky_level_adu is not None
        and frame.sky_variance_adu2
        and frame.star_share <= _MOST_STARS
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
    limit = 3 * MAD_TO_SIGMA * statistics.median(off) + 1e-9
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
