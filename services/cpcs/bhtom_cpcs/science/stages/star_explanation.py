"""Keeps the matched stars, used or not, and what they leave across the image."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.bands import passband_text
from bhtom_cpcs.science.calibration.colour_index import (
    ColourIndex,
    colour_index,
    colours,
)
from bhtom_cpcs.science.calibration.flat_term import flat_residual
from bhtom_cpcs.science.calibration.frame_calibration import FrameCalibration
from bhtom_cpcs.science.calibration.residual_map import ResidualMap, residual_map
from bhtom_cpcs.science.calibration.selection import ANOTHER_TARGET
from bhtom_cpcs.science.explain.explanation import MOST_STARS, MatchedStars
from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stages.star_places import star_places
from bhtom_cpcs.science.stars.psf_fluxes import PsfFluxes

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]


def explain_stars(state: PlaneState, found: FrameCalibration) -> None:
    """Keep every matched star that has the chosen band, used or not, and why not."""
    zero_point = need(state.zero_point, "fit_zero_points")
    stars, model = found.stars, found.model
    if stars is None or model is None or found.rows is None:
        return
    pivot = 0.0 if found.index is None else found.index.pivot
    rows = found.rows[:MOST_STARS]
    comparison = need(state.comparison, "choose_comparison_stars")
    part = slice(0, len(rows))
    fitted = _Columns(
        source=comparison.source[rows],
        reference_magnitude=stars.reference_magnitude[part],
        star_zero_point=stars.difference[part],
        residual=model.residual[part],
        error=stars.error[part],
        colour=stars.colour[part] + pivot,
        air_mass=stars.air_mass[part],
        why_not=["" if yes else "disagrees with the rest" for yes in model.used[part]],
    )
    refused = _refused(state, found.choice.chosen or "", found.index)
    named = zero_point.passband_text, _colour_name(found.index)
    state.matched_stars = _matched_stars(state, *named, (fitted, refused))


def explain_unused_stars(state: PlaneState, passband: str) -> None:
    """Keep every matched star where none carries a zero point, and why it does not.

    Parameters
    ----------
    passband : the band to show them in, whether stars have it or not
    """
    selection = need(state.selection, "choose_comparison_stars")
    reference = need(state.reference, "match_to_sky")
    told = np.array([why != ANOTHER_TARGET for why in selection.reason], dtype=bool)
    pairs = np.flatnonzero(told)[:MOST_STARS]
    if not len(pairs):
        return
    unknown = np.full(len(reference), np.nan)
    known = reference.magnitude.get(passband, unknown)
    index = colour_index(passband, tuple(reference.magnitude))
    unused = _outside_fit(state, pairs, known, index)
    without = ~np.isfinite(unused.reference_magnitude)
    why_not = [
        why or ("no magnitude in this band" if lacks else "one of too few")
        for why, lacks in zip(unused.why_not, without, strict=True)
    ]
    named = passband_text(passband), _colour_name(index)
    state.matched_stars = _matched_stars(
        state, *named, (replace(unused, why_not=why_not),)
    )


def _colour_name(index: ColourIndex | None) -> str:
    if index is None:
        return "colour"
    return " - ".join(band.rpartition("/")[2] for band in (index.blue, index.red))


def _matched_stars(
    state: PlaneState,
    passband: str,
    colour_name: str,
    parts: tuple["_Columns", ...],
) -> MatchedStars:
    """Join the fitted stars and the others."""
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in (
            "reference_magnitude",
            "star_zero_point",
            "residual",
            "error",
            "colour",
            "air_mass",
        )
    }
    sources = need(state.sources, "find_sources")
    source = np.concatenate([part.source for part in parts])
    why_not = tuple(why for part in parts for why in part.why_not)
    zero_point = state.zero_point
    return MatchedStars(
        passband=passband,
        colour_name=colour_name,
        x_px=sources.x[source],
        y_px=sources.y[source],
        used=np.array([not reason for reason in why_not], dtype=bool),
        why_not=why_not,
        zero_point=None if zero_point is None else zero_point.value,
        scatter=None if zero_point is None else zero_point.scatter,
        **columns,
        **_other_estimators(state.source_fluxes, source),
    )


def _other_estimators(
    fluxes: PsfFluxes | None, source: IndexArray
) -> dict[str, FloatArray]:
    """Magnitudes of a frame's stars by other estimators, minus that by the PSF."""
    if fluxes is None:
        return {}
    psf = fluxes.flux[source]
    others = {
        "optimal_minus_psf": fluxes.optimal_flux[source],
        "aperture_minus_psf": fluxes.aperture_flux[source],
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            name: np.where((flux > 0) & (psf > 0), -2.5 * np.log10(flux / psf), np.nan)
            for name, flux in others.items()
        }


@dataclass(frozen=True, slots=True)
class _Columns:
    """Columns of matched stars, of those fitted or those refused before."""

    source: IndexArray
    reference_magnitude: FloatArray
    star_zero_point: FloatArray
    residual: FloatArray
    error: FloatArray
    colour: FloatArray
    air_mass: FloatArray
    why_not: list[str]


def _refused(state: PlaneState, passband: str, index: ColourIndex | None) -> _Columns:
    """Matched stars that were never offered to the fit, at the plain zero point."""
    selection = need(state.selection, "choose_comparison_stars")
    matches = need(state.matches, "match_to_sky")
    fluxes = need(state.star_fluxes, "measure_stars")
    reference = need(state.reference, "match_to_sky")
    known = reference.magnitude.get(passband)
    if known is None:
        pairs = np.zeros(0, dtype=np.intp)
        known = np.zeros(len(reference))
    else:
        there = ~selection.good & (fluxes.flux > 0)
        there &= np.isfinite(known[matches.reference])
        told = [reason != ANOTHER_TARGET for reason in selection.reason]
        there &= np.array(told, dtype=bool)
        pairs = np.flatnonzero(there)[:MOST_STARS]
    return _outside_fit(state, pairs, known, index)


def _outside_fit(
    state: PlaneState, pairs: IndexArray, known: FloatArray, index: ColourIndex | None
) -> _Columns:
    """Pairs that no fit was made of, held against the plain zero point if any."""
    selection = need(state.selection, "choose_comparison_stars")
    matches = need(state.matches, "match_to_sky")
    fluxes = need(state.star_fluxes, "measure_stars")
    reference = need(state.reference, "match_to_sky")
    zero_point = np.nan if state.zero_point is None else state.zero_point.value
    flux = np.where(fluxes.flux[pairs] > 0, fluxes.flux[pairs], np.nan)
    magnitude = known[matches.reference[pairs]]
    source = matches.source[pairs]
    places = star_places(state, source)
    value = magnitude + 2.5 * np.log10(flux)
    value = value - _flat_at(state, places.x_px, places.y_px)
    colour = colours(index, reference.magnitude, len(reference))
    return _Columns(
        source=source,
        reference_magnitude=magnitude,
        star_zero_point=value,
        residual=value - zero_point,
        error=MAG_PER_RELATIVE * fluxes.error[pairs] / flux,
        colour=colour[matches.reference[pairs]],
        air_mass=places.air_mass,
        why_not=[selection.reason[pair] for pair in pairs],
    )


def residual_map_of(state: PlaneState) -> ResidualMap | None:
    """Sum up across the image what a constant zero point leaves of the stars.

    The colour term is taken out; the spatial one is not, for it is the flat field's
    large-scale part. What is known of the flat field is put back: the map tells of the
    image as it was. A list of sources has no image.
    """
    stars = state.matched_stars
    zero_point = state.zero_point
    if stars is None or zero_point is None or not stars.used.any():
        return None
    if not state.has_pixels:
        return None
    shape = (state.plane.pixels.shape[0], state.plane.pixels.shape[1])
    residual = stars.star_zero_point - zero_point.value
    term = zero_point.colour_term
    if term is not None and term.applied:
        residual = residual - term.applied * (stars.colour - term.pivot)
    residual = residual + _flat_at(state, stars.x_px, stars.y_px)
    used = stars.used & np.isfinite(residual)
    if not used.any():
        return None
    return residual_map(
        stars.x_px[used],
        stars.y_px[used],
        residual[used],
        np.hypot(stars.error[used], zero_point.scatter),
        shape,
    )


def _flat_at(state: PlaneState, x_px: FloatArray, y_px: FloatArray) -> FloatArray:
    """What was taken out of stars at some places as the camera's [mag]."""
    zero_point = state.zero_point
    if zero_point is None or zero_point.flat_term is None:
        return np.zeros(len(x_px))
    return flat_residual(zero_point.flat_term, x_px, y_px)
