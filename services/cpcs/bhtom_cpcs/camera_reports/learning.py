"""Estimates of a camera's properties from many frames; pure rules on their figures."""

import math
import statistics
from collections import Counter, defaultdict
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
# Scales of one binning agree far better, those of 1 x 1 and 2 x 2 by a factor of two.
_SAME_SCALE: Final = 0.2
# Images whose sides differ by more are of other parts of a chip.
_SAME_SIZE: Final = 0.02


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


@dataclass(frozen=True, slots=True)
class FlatEstimate:
    """The cells of one band in one image of the camera, in frames of one size."""

    passband: str
    image: str
    colour: str
    width_px: int
    height_px: int
    columns: int
    rows: int
    cells: tuple[CellEstimate, ...]
    frames: int


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


def of_one_binning(frames: Sequence[FrameFigures]) -> list[FrameFigures]:
    """The frames of the commonest binning; of several as common, the finest.

    Scale, gain, saturation and flat fields are another's at another binning. Frames
    whose header tells none are a group of their own; where its scales differ, those
    count that are like the median one.
    """
    groups: dict[str, list[FrameFigures]] = defaultdict(list)
    for frame in frames:
        groups[frame.sampled.binning or ""].append(frame)
    if not groups:
        return []
    commonest = min(groups, key=lambda name: (-len(groups[name]), name))
    members = groups[commonest]
    scales = [frame.pixel_scale_arcsec for frame in members]
    known = [scale for scale in scales if scale is not None]
    if not known:
        return members
    usual = statistics.median_low(known)
    return [
        frame
        for frame, scale in zip(members, scales, strict=True)
        if scale is None or abs(scale / usual - 1) < _SAME_SCALE
    ]


def flat_maps(frames: Sequence[FrameFigures]) -> tuple[FlatEstimate, ...]:
    """Mean residual of each cell, for each band in each image of the camera.

    Flat fields are taken through each filter, and chips are different detectors. Only
    frames of the commonest size, cut into as many cells, are taken.
    """
    groups: dict[tuple[str, str, str], list[FrameFigures]] = defaultdict(list)
    for frame in frames:
        if frame.cells and frame.passband and frame.sampled.width_px:
            key = frame.passband, frame.sampled.image, frame.sampled.colour
            groups[key].append(frame)
    found = (_flat_map(members) for _, members in sorted(groups.items()))
    return tuple(flat for flat in found if flat is not None)


def _flat_map(frames: Sequence[FrameFigures]) -> FlatEstimate | None:
    """The map of frames of one band and image."""
    sizes = Counter(map(_cut, frames))
    usual = max(frames, key=lambda frame: (sizes[_cut(frame)], frame.mjd or 0.0))
    mapped = [frame for frame in frames if _is_cut_alike(frame, usual)]
    if len(mapped) < FEWEST_FRAMES:
        return None
    sums: dict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0] * 4)
    for frame in mapped:
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
    if not cells:
        return None
    sampled = usual.sampled
    return FlatEstimate(
        passband=str(usual.passband),
        image=sampled.image,
        colour=sampled.colour,
        width_px=sampled.width_px,
        height_px=sampled.height_px,
        columns=usual.map_columns,
        rows=usual.map_rows,
        cells=cells,
        frames=len(mapped),
    )


def _cut(frame: FrameFigures) -> tuple[int, int, int, int]:
    """Size of an image and of its cells."""
    sampled = frame.sampled
    return sampled.width_px, sampled.height_px, frame.map_columns, frame.map_rows


def _is_cut_alike(frame: FrameFigures, usual: FrameFigures) -> bool:
    """Whether two images are as large, and cut into as many cells."""
    if (frame.map_columns, frame.map_rows) != (usual.map_columns, usual.map_rows):
        return False
    sides = (
        (frame.sampled.width_px, usual.sampled.width_px),
        (frame.sampled.height_px, usual.sampled.height_px),
    )
    return all(abs(one - other) <= _SAME_SIZE * other for one, other in sides)


def _too_few(frames: Sequence[FrameFigures]) -> bool:
    nights = {frame.night for frame in frames}
    return len(frames) < FEWEST_FRAMES or len(nights) < FEWEST_NIGHTS
