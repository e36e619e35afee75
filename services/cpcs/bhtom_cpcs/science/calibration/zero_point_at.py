"""The zero point for one target: its place, its colour, its air mass."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bhtom_cpcs.science.calibration.convex_hull import inside_hull
from bhtom_cpcs.science.calibration.flat_term import flat_residual
from bhtom_cpcs.science.calibration.zero_point_model import place_columns
from bhtom_cpcs.science.decisions import TargetColour
from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.results.zero_point import ZeroPoint
from bhtom_cpcs.science.zero_point_terms import ColourTerm, SpatialTerm

# How far a target's colour may be from the pivot, 1 sigma, when nobody recorded it.
UNKNOWN_COLOUR_MAG = 0.4
# 1 sigma of slopes that were not measured [mag per mag]. A filter that passes as its
# standard band has one within 0.15: if all such are equally likely their rms is 0.09,
# and some that pass are worse. Clear and light-pollution filters reach 0.3 and more.
STANDARD_SLOPE_SPREAD = 0.1
OTHER_SLOPE_SPREAD = 0.3
# An assumed colour that adds less than this is in the error and needs no flag.
_WORTH_SAYING_MAG = 0.01


@dataclass(frozen=True, slots=True)
class TargetZeroPoint:
    """What the target's magnitude is made with.

    `value`, `error` [mag] of the zero point at its place; `colour_error` [mag] is what
    its colour, or not knowing it, adds; `flags` are words of the result.
    """

    value: float
    error: float
    colour_error: float
    flags: tuple[FlagWord, ...]


def zero_point_at(
    zero_point: ZeroPoint,
    x_px: float,
    y_px: float,
    colours: Sequence[TargetColour] = (),
    air_mass: float | None = None,
) -> TargetZeroPoint:
    """Zero point for a target at a place of the frame.

    The colour term is applied with a recorded colour only. Without one the target is
    taken to be of the pivot colour, and the slope times 0.4 mag goes into its error;
    so does the slope that may be there where none was found significant, or none
    could be fitted. What is not known of the slope also counts over the distance of
    the target's colour from the mean colour of the stars.

    Parameters
    ----------
    colours : recorded colours of the target, in whatever passbands
    air_mass : of the target, for fields with differential extinction
    """
    value, error = zero_point.value, zero_point.error
    flags = []
    if zero_point.spatial_term is not None:
        offset, error = _at_place(zero_point.spatial_term, error, x_px, y_px)
        value += offset
    if zero_point.flat_term is not None:
        place = np.array([x_px]), np.array([y_px])
        value += float(flat_residual(zero_point.flat_term, *place)[0])
    term = zero_point.extinction_term
    if term is not None and term.applied and air_mass is not None:
        difference = air_mass - term.mean_air_mass
        value += term.applied * difference
        error = math.hypot(error, term.error * difference)
    if zero_point.hull_px and not inside_hull(zero_point.hull_px, x_px, y_px):
        flags.append(FlagWord.OUTSIDE_STARS_HULL)
    offset, colour_error, words = _for_colour(zero_point, colours)
    return TargetZeroPoint(value + offset, error, colour_error, (*flags, *words))


def _at_place(
    term: SpatialTerm, error: float, x_px: float, y_px: float
) -> tuple[float, float]:
    """Offset at a place and the zero point's error there.

    Beyond the frame's edge the polynomial stays at the edge's value.
    """
    u = np.clip((x_px - term.centre_x_px) / term.scale_px, -1, 1)
    v = np.clip((y_px - term.centre_y_px) / term.scale_px, -1, 1)
    columns = place_columns(np.array([u]), np.array([v]), term.order)
    terms = [1.0, *(float(column[0]) for column in columns)]
    offset = sum(a * b for a, b in zip(term.coefficients, terms[1:], strict=True))
    variance = sum(
        a * b * covariance
        for a, row in zip(terms, term.covariance, strict=True)
        for b, covariance in zip(terms, row, strict=True)
    )
    at_centre = term.covariance[0][0]
    return offset, math.sqrt(max(error**2 + variance - at_centre, 0.0))


def _for_colour(
    zero_point: ZeroPoint, colours: Sequence[TargetColour]
) -> tuple[float, float, tuple[FlagWord, ...]]:
    """Correction for the target's colour, its error, and words about it.

    A slope that is wrong leaves the zero point right at the stars' mean colour, so
    that its error counts from there and not from the pivot.
    """
    term = zero_point.colour_term
    applied, slope_error = _slope_and_error(zero_point)
    for colour in colours:
        if term is None or (colour.blue_passband, colour.red_passband) != (
            term.blue,
            term.red,
        ):
            continue
        distance = _from_the_stars(term, colour.value_mag)
        error = math.hypot(applied * colour.error_mag, slope_error * distance)
        outside = not term.lowest <= colour.value_mag <= term.highest
        words = (FlagWord.COLOUR_EXTRAPOLATED,) if applied and outside else ()
        return applied * (colour.value_mag - term.pivot), error, words
    distance = 0.0 if term is None else _from_the_stars(term, term.pivot)
    error = math.hypot(
        math.hypot(applied, slope_error) * UNKNOWN_COLOUR_MAG, slope_error * distance
    )
    matters = bool(applied) or error > _WORTH_SAYING_MAG
    return 0.0, error, (FlagWord.COLOUR_ASSUMED,) if matters else ()


def _from_the_stars(term: ColourTerm, colour_mag: float) -> float:
    """How far a colour is from the stars' mean, with what is not known of that [mag].

    The mean is the pivot where it is not on record.
    """
    mean = term.pivot if term.mean_colour is None else term.mean_colour
    return math.hypot(colour_mag - mean, term.mean_colour_error)


def _slope_and_error(zero_point: ZeroPoint) -> tuple[float, float]:
    """The applied slope and the rms of what it may be wrong by [mag per mag].

    Where none is applied, all that the slope may be is its error: the frame's own
    slope and error together with what slopes of filters are, as the second moment of
    the posterior of both, which is the frame's own where it is well measured and the
    filters' where it is not measured at all.
    """
    term = zero_point.colour_term
    if term is not None and term.applied:
        error = term.error if term.applied_error is None else term.applied_error
        return term.applied, error or 0.0
    standard = FlagWord.NON_STANDARD_PASSBAND not in zero_point.flags
    prior = STANDARD_SLOPE_SPREAD if standard else OTHER_SLOPE_SPREAD
    if term is None or term.value is None or term.error is None:
        return 0.0, prior
    share = prior**2 / (prior**2 + term.error**2)
    return 0.0, math.hypot(share * term.value, math.sqrt(share) * term.error)
