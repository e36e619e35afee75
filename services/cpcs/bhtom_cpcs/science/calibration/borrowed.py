"""A zero point from another frame of the same night, where a field has none."""

import math

from bhtom_cpcs.science.calibration.colour_index import colour_index
from bhtom_cpcs.science.decisions import BorrowedZeroPoint
from bhtom_cpcs.science.learned_camera import LearnedCamera
from bhtom_cpcs.science.zero_point_terms import ColourTerm

# Clouds and focus between two frames of a night, at best.
LEAST_BORROWED_ERROR_MAG = 0.05
_UNKNOWN_AIR_MASS_ERROR_MAG = 0.1
# First-order extinction [mag per air mass] of a dark site at sea level to 2 km: mean
# atmosphere of Hayes & Latham 1975 (ApJ 197, 593), rounded. A site differs by a third.
_EXTINCTION = {
    **dict.fromkeys("uU", 0.55),
    "B": 0.27,
    "g": 0.20,
    **dict.fromkeys(("V", "G", "GBP"), 0.15),
    **dict.fromkeys("rR", 0.11),
    "GRP": 0.08,
    **dict.fromkeys("iIzy", 0.06),
}
_EXTINCTION_UNKNOWN = 0.2
_EXTINCTION_SPREAD = 1 / 3


def borrowed_value(
    borrowed: BorrowedZeroPoint,
    exposure_time_s: float,
    air_mass: float | None,
    shutter_time_s: float = 0.0,
) -> tuple[float, float]:
    """Zero point for this frame's exposure and air mass, and its 1 sigma error [mag].

    A longer exposure collects more light of the same star, so that the zero point
    grows by 2.5 log10 of their ratio, both with the time that the camera's shutter was
    learnt to add; at a larger air mass it is smaller by the mean
    extinction of the band. The error is 0.05 mag at least.
    """
    shortest = min(exposure_time_s, borrowed.exposure_time_s)
    shutter_time_s = max(shutter_time_s, -0.9 * shortest)
    value = borrowed.value + 2.5 * math.log10(
        (exposure_time_s + shutter_time_s) / (borrowed.exposure_time_s + shutter_time_s)
    )
    terms = [max(borrowed.error, LEAST_BORROWED_ERROR_MAG)]
    band = borrowed.passband.rpartition("/")[2].rpartition("-")[2]
    extinction = _EXTINCTION.get(band, _EXTINCTION_UNKNOWN)
    if air_mass is None or borrowed.air_mass is None:
        terms.append(_UNKNOWN_AIR_MASS_ERROR_MAG)
    else:
        difference = air_mass - borrowed.air_mass
        value -= extinction * difference
        terms.append(_EXTINCTION_SPREAD * extinction * difference)
    return value, math.hypot(*terms)


def borrowed_colour_term(
    borrowed: BorrowedZeroPoint, learned: LearnedCamera, offered: tuple[str, ...]
) -> ColourTerm | None:
    """Colour term of a borrowed zero point: the lender's own, else the camera's.

    Without either it tells the colours of the lender's stars. The camera's was learnt
    from stars of all colours, whose range is not on record: every colour but the pivot
    counts as extrapolated.

    Parameters
    ----------
    learned : what the camera's version brings along
    offered : bands of the catalogue
    """
    lent = borrowed.colour_term
    if lent is not None and lent.value is not None:
        return lent
    survey, _, band = borrowed.passband.partition("/")
    index = colour_index(f"{survey}/{band.rpartition('-')[2]}", offered)
    if index is None:
        return lent
    term = learned.colour_term(borrowed.passband, index.blue, index.red)
    if term is None:
        return lent
    return ColourTerm(
        blue=index.blue,
        red=index.red,
        pivot=index.pivot,
        value=term.slope,
        error=term.error,
        applied=term.slope,
        lowest=index.pivot,
        highest=index.pivot,
        n_stars=0,
        applied_error=term.error,
    )
