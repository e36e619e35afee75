"""Gathers what explains a calibration, whatever stage the reduction came to."""

import numpy as np

from bhtom_cpcs.science.calibration.bands import passband_text
from bhtom_cpcs.science.calibration.ranking import BandStars
from bhtom_cpcs.science.calibration.residual_map import ResidualMap, residual_map
from bhtom_cpcs.science.calibration.zero_point_fit import ZeroPointFit
from bhtom_cpcs.science.explain.explanation import (
    MOST_STARS,
    Explanation,
    FloatArray,
    MatchedStars,
    TargetMark,
)
from bhtom_cpcs.science.explain.pictures import around, whole_frame
from bhtom_cpcs.science.json_form import json_form
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reference import ReferenceStars
from bhtom_cpcs.science.results import TargetMeasurement
from bhtom_cpcs.science.stages.plane_state import PlaneState, need

# Colours in the order of preference; the first one that most stars have is shown.
_COLOURS = (("g", "r"), ("GBP", "GRP"), ("B", "V"), ("V", "R"), ("V", "I"), ("J", "K"))


def explain_stars(
    state: PlaneState, passband: str, stars: BandStars, fit: ZeroPointFit
) -> None:
    """Keep the residuals of the matched stars in the chosen band."""
    comparison = need(state.comparison, "measure_stars")
    sources = need(state.sources, "find_sources")
    reference = need(state.reference, "read_reference")
    usable = np.flatnonzero(stars.usable)[:MOST_STARS]
    used = fit.used[: len(usable)]
    source, known = comparison.source[usable], comparison.reference[usable]
    zero_point = need(state.zero_point, "fit_zero_points")
    value = stars.difference[usable] + zero_point.aperture_correction_mag
    colour_name, colour = _colour(reference)
    state.matched_stars = MatchedStars(
        passband=passband_text(passband),
        colour_name=colour_name,
        x_px=sources.x[source],
        y_px=sources.y[source],
        reference_magnitude=reference.magnitude[passband][known],
        star_zero_point=value,
        residual=value - zero_point.value,
        error=stars.error[usable],
        colour=colour[known],
        air_mass=np.full(len(usable), np.nan),
        used=used,
        why_not=tuple("" if yes else "disagrees with the rest" for yes in used),
        zero_point=zero_point.value,
        scatter=fit.scatter,
    )


def _colour(reference: ReferenceStars) -> tuple[str, FloatArray]:
    """Name and values of a colour that most stars have; NaN where none is known."""
    bands = {name.rpartition("/")[2]: name for name in reference.magnitude}
    for blue, red in _COLOURS:
        if blue in bands and red in bands:
            colour = reference.magnitude[bands[blue]] - reference.magnitude[bands[red]]
            if np.isfinite(colour).mean() > 0.5:
                return f"{blue} - {red}", colour
    return "colour", np.full(len(reference), np.nan)


def residual_map_of(state: PlaneState) -> ResidualMap | None:
    """Sum up across the image what the zero point leaves of the stars it rests on."""
    stars = state.matched_stars
    if stars is None or not stars.used.any():
        return None
    shape = (state.plane.pixels.shape[0], state.plane.pixels.shape[1])
    used = stars.used
    return residual_map(
        stars.x_px[used],
        stars.y_px[used],
        stars.residual[used],
        np.hypot(stars.error[used], stars.scatter),
        shape,
    )


def explanation(
    state: PlaneState, outcome: Outcome, measured: TargetMeasurement | None
) -> Explanation:
    """Gather pictures, marks, residuals and ranking of what was found out."""
    verdict = state.message
    if state.filter is not None and state.filter.sentence:
        verdict = f"{verdict} {state.filter.sentence}"
    pixels = state.plane.pixels
    mark = near = None
    if measured is not None and measured.x_px is not None and measured.y_px is not None:
        radius = measured.aperture_radius_px or 3.0
        near = around(pixels, measured.x_px, measured.y_px, radius)
        nobody = np.zeros(0)
        mark = TargetMark(measured.x_px, measured.y_px, radius, nobody, nobody)
    ranking = () if state.choice is None else state.choice.figures
    return Explanation(
        title=f"{state.plane.name}: {outcome.value}",
        verdict=verdict,
        around_target=near,
        whole_frame=whole_frame(pixels),
        target=mark,
        stars=state.matched_stars,
        bands=tuple(json_form(band) for band in ranking),
    )
