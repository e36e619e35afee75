"""What figures of a camera can be at all: checked where accepted and where used.

Wider than any camera known: they keep out slips of the decimal point, other units and
what a damaged message may hold, not unusual cameras.
"""

import math
from collections.abc import Iterator
from typing import Final

from bhtom_contracts.events.cameras import FlatMap, LearnedFigures

Bounds = tuple[float, float]

# Highest and lowest, both allowed.
FIGURES: Final[dict[str, Bounds]] = {
    "gain": (1e-4, 1e4),  # electron/adu
    "readout_noise": (0.0, 1e5),  # electron
    "saturation_level": (1.0, 1e12),  # adu
    "pixel_scale": (1e-3, 3600.0),  # arcsec/px
    "binning": (1, 16),
}
COLOUR_SLOPE: Final[Bounds] = (-2.0, 2.0)
SHUTTER_TIME_S: Final[Bounds] = (-10.0, 10.0)
LIMIT_MAG: Final[Bounds] = (0.0, 35.0)
EXPOSURE_TIME_S: Final[Bounds] = (1e-6, 1e6)
FLAT_RESIDUAL_MAG: Final[Bounds] = (-1.0, 1.0)
_ERROR: Final[Bounds] = (0.0, 10.0)
_MJD: Final[Bounds] = (0.0, 200_000.0)


def is_possible(value: float, bounds: Bounds) -> bool:
    """Whether a figure is a number within bounds."""
    return math.isfinite(value) and bounds[0] <= value <= bounds[1]


def impossible_figures(learned: LearnedFigures) -> list[str]:
    """A sentence for each learnt figure that no camera can have."""
    found = [
        f"{name}: {value:g} is not within {bounds[0]:g} and {bounds[1]:g}."
        for name, value, bounds in _named(learned)
        if not is_possible(value, bounds)
    ]
    flat = learned.flat_residuals
    if flat is not None and any(
        cell.column >= flat.columns or cell.row >= flat.rows for cell in flat.cells
    ):
        found.append(
            f"flat_residuals: a cell lies outside of {flat.columns} x {flat.rows}."
        )
    found += [
        f"flat_maps {at_place(one)}: its values are not {one.columns} x {one.rows}."
        for one in learned.flat_maps
        if {len(one.residuals), len(one.errors)} != {one.columns * one.rows}
    ]
    if len({key_of(one) for one in learned.flat_maps}) < len(learned.flat_maps):
        found.append("flat_maps: two are of the same band and image.")
    if learned.first_mjd > learned.last_mjd:
        found.append("first_mjd: lies after last_mjd.")
    return found


def key_of(one: FlatMap) -> tuple[str, str, str]:
    """The band, image and colour that a flat-field map is of: one map for each."""
    return one.passband, one.image, one.colour


def at_place(one: FlatMap) -> str:
    """What a flat-field map is of, in words."""
    return " ".join(part for part in key_of(one) if part)


def _named(learned: LearnedFigures) -> Iterator[tuple[str, float, Bounds]]:
    yield "first_mjd", learned.first_mjd, _MJD
    yield "last_mjd", learned.last_mjd, _MJD
    for term in learned.colour_terms:
        name = f"colour_terms {term.passband} {term.colour}"
        yield f"{name} slope", term.slope, COLOUR_SLOPE
        yield f"{name} slope_error", term.slope_error, _ERROR
    for limit in learned.limits:
        name = f"limits {limit.passband}"
        yield f"{name} limit_5_sigma", limit.limit_5_sigma, LIMIT_MAG
        yield f"{name} exposure_time", limit.exposure_time, EXPOSURE_TIME_S
    if learned.shutter_time is not None:
        yield "shutter_time", learned.shutter_time, SHUTTER_TIME_S
    if learned.shutter_time_error is not None:
        yield "shutter_time_error", learned.shutter_time_error, _ERROR
    for cell in () if learned.flat_residuals is None else learned.flat_residuals.cells:
        name = f"flat_residuals cell {cell.column}, {cell.row}"
        yield f"{name} residual", cell.residual, FLAT_RESIDUAL_MAG
        yield f"{name} error", cell.error, _ERROR
    for one in learned.flat_maps:
        name = f"flat_maps {at_place(one)}"
        for residual in one.residuals:
            if residual is not None:
                yield f"{name} residual", residual, FLAT_RESIDUAL_MAG
        for error in one.errors:
            if error is not None:
                yield f"{name} error", error, _ERROR
