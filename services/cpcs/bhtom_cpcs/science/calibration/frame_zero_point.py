"""The zero point as it is stored: its figures, terms, source, flags and limits."""

from dataclasses import dataclass

import numpy as np

from bhtom_cpcs.science.calibration.band_choice import Chosen
from bhtom_cpcs.science.calibration.bands import passband_text
from bhtom_cpcs.science.calibration.borrowed import borrowed_value
from bhtom_cpcs.science.calibration.colour_index import ColourIndex
from bhtom_cpcs.science.calibration.convex_hull import convex_hull
from bhtom_cpcs.science.calibration.frame_calibration import (
    FrameCalibration,
    StarPlaces,
)
from bhtom_cpcs.science.calibration.linearity import is_not_linear
from bhtom_cpcs.science.calibration.zero_point_model import (
    MeanColour,
    ZeroPointModel,
)
from bhtom_cpcs.science.decisions import BorrowedZeroPoint
from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.results.zero_point import ZeroPoint
from bhtom_cpcs.science.stop import Stop
from bhtom_cpcs.science.zero_point_terms import (
    ColourTerm,
    ExtinctionTerm,
    FlatTerm,
    SpatialTerm,
)

# BHTOM2's limits of a usable zero point; beyond the stricter ones it is called poor.
LARGEST_SCATTER_MAG = 1.5
LARGEST_OUTLIER_FRACTION = 0.5
POOR_ERROR_MAG = 0.05
POOR_SCATTER_MAG = 0.15
FEW_STARS = 10
_DECIDED = (Chosen.REQUESTED, Chosen.PARENT, Chosen.SETTLED)
# A filter whose response differs this much from the passband is not that passband.
NON_STANDARD_SLOPE = 0.15
# Published transformations differ by this much from each other.
_TRANSFORMATION_ERROR_MAG = 0.02


@dataclass(frozen=True, slots=True)
class MatchFigures:
    """How the stars were matched."""

    n_matched: int
    radius_arcsec: float


def frame_zero_point(
    found: FrameCalibration,
    places: StarPlaces,
    figures: MatchFigures,
    air_mass: float | None,
    second_order_extinction: dict[str, float],
) -> ZeroPoint:
    """Describe the fitted zero point.

    Parameters
    ----------
    found : a calibration with a model
    air_mass : of the frame; None where unknown
    second_order_extinction : of the camera, by passband
    """
    model, stars, chosen = found.model, found.stars, found.choice.chosen
    if model is None or stars is None or chosen is None or found.rows is None:
        message = "there is no zero point to describe"
        raise ValueError(message)
    passband = found.passband
    second_order = second_order_extinction.get(passband)
    colour = _colour_term(found, model, air_mass, second_order)
    used = found.rows[model.used]
    error = model.error
    source, note = "native", f"{len(stars.error)} stars have it"
    made_from: tuple[str, ...] = ()
    if found.transformed is not None:
        source = "transformation"
        made = found.transformed.transformation
        note, made_from = made.paper, tuple(dict.fromkeys((*made.colour, made.base)))
        error = float(np.hypot(error, _TRANSFORMATION_ERROR_MAG))
    slope, slope_error = found.slope or (None, None)
    return ZeroPoint(
        passband=passband,
        passband_text=passband_text(passband),
        value=model.value,
        error=error,
        scatter=model.scatter,
        n_stars=int(model.used.sum()),
        n_matched=figures.n_matched,
        outlier_fraction=model.outlier_fraction,
        matching_radius_arcsec=figures.radius_arcsec,
        ranking=found.choice.figures,
        unverified_used=found.unverified_used,
        reference_passband=chosen,
        source=source,
        source_note=note,
        source_bands=made_from,
        colour_term=colour,
        spatial_term=_spatial_term(model, places),
        extinction_term=_extinction_term(model),
        flat_term=found.flat,
        magnitude_slope=slope,
        magnitude_slope_error=slope_error,
        hull_px=convex_hull(places.x_px[used], places.y_px[used]),
        flags=_flags(found, model, error, colour),
    )


def borrowed_zero_point(
    borrowed: BorrowedZeroPoint,
    exposure_time_s: float,
    air_mass: float | None,
    found: FrameCalibration | None,
    figures: MatchFigures,
    shutter_time_s: float = 0.0,
    colour_term: ColourTerm | None = None,
    flat: FlatTerm | None = None,
) -> ZeroPoint:
    """Take over the zero point of another frame of the night, and say so."""
    own_filter = "-" in borrowed.passband.rpartition("/")[2]
    value, error = borrowed_value(borrowed, exposure_time_s, air_mass, shutter_time_s)
    return ZeroPoint(
        passband=borrowed.passband,
        passband_text=passband_text(borrowed.passband),
        value=value,
        error=error,
        scatter=error,
        n_stars=0,
        n_matched=figures.n_matched,
        outlier_fraction=0.0,
        matching_radius_arcsec=figures.radius_arcsec,
        ranking=() if found is None else found.choice.figures,
        reference_passband=borrowed.passband,
        colour_term=colour_term,
        flat_term=flat,
        source="borrowed",
        # Which one stands in the pinned decisions, for those who may see that frame.
        source_note="another frame of the same night",
        flags=(
            FlagWord.BORROWED_ZERO_POINT,
            FlagWord.FEW_REFERENCE_STARS,
            FlagWord.POOR_ZERO_POINT,
            *((FlagWord.NON_STANDARD_PASSBAND,) if own_filter else ()),
        ),
    )


def refuse_poor(result: ZeroPoint) -> None:
    """Stop with `poor_zero_point` when a figure is beyond its outer limit."""
    reason = None
    if result.scatter > LARGEST_SCATTER_MAG:
        reason = (
            f"its scatter is {result.scatter:.2f} mag and the limit "
            f"{LARGEST_SCATTER_MAG:.2f}"
        )
    elif result.outlier_fraction > LARGEST_OUTLIER_FRACTION:
        share = f"{result.outlier_fraction:.0%}"
        reason = f"{share} of {result.n_matched} stars disagree with the rest"
    if reason:
        raise Stop(
            Outcome.POOR_ZERO_POINT, passband=result.passband_text, reason=reason
        )


def refuse_not_linear(result: ZeroPoint) -> None:
    """Stop with `not_linear` when magnitudes do not follow the light."""
    slope, error = result.magnitude_slope, result.magnitude_slope_error
    if slope is None or error is None or not is_not_linear((slope, error)):
        return
    raise Stop(
        Outcome.NOT_LINEAR,
        slope=1 + slope,
        slope_error=error,
        passband=result.passband_text,
    )


def _flags(
    found: FrameCalibration,
    model: ZeroPointModel,
    error: float,
    colour: ColourTerm | None,
) -> tuple[FlagWord, ...]:
    """Words that hold for every target of the frame."""
    declared, report = found.question.declared, found.report
    undecided = found.choice.how not in _DECIDED
    odd = colour is not None and abs(colour.applied) > NON_STANDARD_SLOPE
    words = {
        FlagWord.FILTER_DISAGREES: bool(report.disagrees) or report.contradicted,
        FlagWord.PASSBAND_PROVISIONAL: undecided,
        FlagWord.NON_STANDARD_PASSBAND: bool(declared.word) or odd,
        FlagWord.TRANSFORMED_REFERENCE: found.transformed is not None,
        FlagWord.UNVERIFIED_REFERENCE: found.unverified_used,
        FlagWord.FEW_REFERENCE_STARS: int(model.used.sum()) < FEW_STARS,
        FlagWord.POOR_ZERO_POINT: error > POOR_ERROR_MAG
        or model.scatter > POOR_SCATTER_MAG,
    }
    return tuple(word for word, holds in words.items() if holds)


def _colour_term(
    found: FrameCalibration,
    model: ZeroPointModel,
    air_mass: float | None,
    second_order: float | None,
) -> ColourTerm | None:
    slope, index, mean = model.colour, found.index, model.mean_colour
    if index is None:
        return None
    if slope is None:
        return None if mean is None else _colour_without_slope(index, mean)
    outside = None
    if second_order is not None and air_mass is not None:
        outside = slope.value - second_order * air_mass
    return ColourTerm(
        blue=index.blue,
        red=index.red,
        pivot=index.pivot,
        value=slope.value,
        error=slope.error,
        applied=slope.applied,
        lowest=slope.lowest + index.pivot,
        highest=slope.highest + index.pivot,
        n_stars=slope.n_stars,
        applied_error=slope.applied_error,
        second_order=second_order,
        outside_atmosphere=outside,
        mean_colour=None if mean is None else index.pivot + mean.value,
        mean_colour_error=0.0 if mean is None else mean.error,
    )


def _colour_without_slope(index: ColourIndex, mean: MeanColour) -> ColourTerm:
    """What is known of the stars' colours where no slope could be fitted to them."""
    return ColourTerm(
        blue=index.blue,
        red=index.red,
        pivot=index.pivot,
        value=None,
        error=None,
        applied=0.0,
        lowest=index.pivot + mean.lowest,
        highest=index.pivot + mean.highest,
        n_stars=mean.n_stars,
        mean_colour=index.pivot + mean.value,
        mean_colour_error=mean.error,
    )


def _spatial_term(model: ZeroPointModel, places: StarPlaces) -> SpatialTerm | None:
    if model.place is None:
        return None
    return SpatialTerm(
        model.place.order,
        *places.centre_px,
        places.scale_px,
        model.place.coefficients,
        model.place.covariance,
    )


def _extinction_term(model: ZeroPointModel) -> ExtinctionTerm | None:
    slope = model.air_mass
    if slope is None or model.mean_air_mass is None:
        return None
    return ExtinctionTerm(
        value=slope.value,
        error=slope.error,
        applied=slope.applied,
        mean_air_mass=model.mean_air_mass,
        lowest=slope.lowest,
        highest=slope.highest,
        n_stars=slope.n_stars,
    )
