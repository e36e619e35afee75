"""Gathers what explains a calibration, whatever stage the reduction came to."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.astrometry.coordinates import Astrometry, read_astrometry
from bhtom_cpcs.science.calibration.colour_index import ColourIndex, colours
from bhtom_cpcs.science.calibration.frame_calibration import FrameCalibration
from bhtom_cpcs.science.calibration.residual_map import (
    CELLS_A_SIDE,
    ResidualMap,
    residual_map,
)
from bhtom_cpcs.science.calibration.selection import ANOTHER_TARGET
from bhtom_cpcs.science.epochs import julian_year
from bhtom_cpcs.science.explain.explanation import (
    MOST_STARS,
    Explanation,
    MatchedStars,
    SourceField,
    StarImage,
    TargetMark,
)
from bhtom_cpcs.science.explain.pictures import around, source_field, whole_frame
from bhtom_cpcs.science.frames.flat_residuals import residual_grid
from bhtom_cpcs.science.json_form import json_form
from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.results.target import TargetMeasurement
from bhtom_cpcs.science.stages.astrometry_stages import frame_shape
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stages.star_places import star_places
from bhtom_cpcs.science.stages.verdict import verdict_of
from bhtom_cpcs.science.stars.psf_photometry import PsfFluxes
from bhtom_cpcs.science.stop import Stop
from bhtom_cpcs.science.targets.neighbourhood import neighbours_in_frame

_UNMEASURED_RADIUS_PX = 3.0
_BY_HEADER = "where the header puts the target"

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]


def explain_stars(state: PlaneState, found: FrameCalibration) -> None:
    """Keep every matched star that has the chosen band, used or not, and why not."""
    zero_point = need(state.zero_point, "fit_zero_points")
    stars, model = found.stars, found.model
    if stars is None or model is None or found.rows is None:
        return
    name, pivot = "colour", 0.0
    if found.index is not None:
        pair = (found.index.blue, found.index.red)
        name = " - ".join(band.rpartition("/")[2] for band in pair)
        pivot = found.index.pivot
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
    columns = {
        name: np.concatenate([getattr(fitted, name), getattr(refused, name)])
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
    source = np.concatenate([fitted.source, refused.source])
    why_not = (*fitted.why_not, *refused.why_not)
    state.matched_stars = MatchedStars(
        passband=zero_point.passband_text,
        colour_name=name,
        x_px=sources.x[source],
        y_px=sources.y[source],
        used=np.array([not reason for reason in why_not], dtype=bool),
        why_not=why_not,
        zero_point=zero_point.value,
        scatter=zero_point.scatter,
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
    zero_point = need(state.zero_point, "fit_zero_points")
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
    flux = fluxes.flux[pairs]
    magnitude = known[matches.reference[pairs]]
    value = magnitude + 2.5 * np.log10(flux)
    colour = colours(index, reference.magnitude, len(reference))
    source = matches.source[pairs]
    return _Columns(
        source=source,
        reference_magnitude=magnitude,
        star_zero_point=value,
        residual=value - zero_point.value,
        error=MAG_PER_RELATIVE * fluxes.error[pairs] / flux,
        colour=colour[matches.reference[pairs]],
        air_mass=star_places(state, source).air_mass,
        why_not=[selection.reason[pair] for pair in pairs],
    )


def residual_map_of(state: PlaneState) -> ResidualMap | None:
    """Sum up across the image what a constant zero point leaves of the stars.

    The colour term is taken out; the spatial one is not, for it is the flat field's
    large-scale part.
    """
    stars = state.matched_stars
    zero_point = state.zero_point
    if stars is None or zero_point is None or not stars.used.any():
        return None
    shape = (state.plane.pixels.shape[0], state.plane.pixels.shape[1])
    residual = stars.star_zero_point - zero_point.value
    term = zero_point.colour_term
    if term is not None and term.applied:
        residual = residual - term.applied * (stars.colour - term.pivot)
    used = stars.used & np.isfinite(residual)
    if not used.any():
        return None
    return residual_map(
        stars.x_px[used],
        stars.y_px[used],
        residual[used],
        np.hypot(stars.error[used], stars.scatter),
        shape,
        _applied(state),
    )


def _applied(state: PlaneState) -> FloatArray | None:
    """Return what the camera's version took out of each cell, if of the same cells."""
    flat = state.request.camera.learned.flat
    if flat is None or (flat.rows, flat.columns) != (CELLS_A_SIDE, CELLS_A_SIDE):
        return None
    return residual_grid(flat)


def _star_image(state: PlaneState) -> StarImage | None:
    """Show the mean star beside the point-spread function that was fitted to it."""
    figures = None if state.psf is None else state.psf.figures
    if figures is None:
        return None
    return StarImage(
        growth_radius_px=figures.radius_px,
        growth=figures.growth,
        profile_radius_px=figures.radius_px,
        profile=figures.profile,
        model=figures.model_profile,
        residual=figures.residual,
    )


def _neighbours(
    state: PlaneState, measured: TargetMeasurement | None
) -> tuple[FloatArray, FloatArray]:
    """Find where in the frame the stars are that were fitted beside the target."""
    if measured is None:
        return np.zeros(0), np.zeros(0)
    scene = measured.proposed_scene
    scene = scene or state.request.decisions.scene_of(measured.target_id)
    if scene is None or state.astrometry is None or state.timing is None:
        return np.zeros(0), np.zeros(0)
    epoch = julian_year(state.timing.mid_exposure_mjd_utc)
    return neighbours_in_frame(scene, state.astrometry, epoch)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a target is on the frame [px], and how surely that is known."""

    x_px: float
    y_px: float
    aperture_radius_px: float
    label: str = "the target"


def _target_place(
    state: PlaneState, measured: TargetMeasurement | None
) -> _Place | None:
    """Find where the target is, or would be; None where it is not on the frame."""
    radius = _UNMEASURED_RADIUS_PX
    if measured is not None and measured.x_px is not None and measured.y_px is not None:
        radius = measured.aperture_radius_px or radius
        return _Place(measured.x_px, measured.y_px, radius)
    astrometry = state.astrometry or _header_astrometry(state)
    if astrometry is None:
        return None
    height, width = frame_shape(state)
    label = "the target" if state.matches is not None else _BY_HEADER
    for ra, dec in _target_positions(state):
        x, y = (
            float(axis[0]) for axis in astrometry.pixel(np.array([ra]), np.array([dec]))
        )
        if -0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5:
            return _Place(x, y, radius, label)
    return None


def _header_astrometry(state: PlaneState) -> Astrometry | None:
    """Coordinates of a frame that was refused before anybody read them."""
    if not state.has_pixels:
        return None
    try:
        return read_astrometry(state.plane.header, frame_shape(state))
    except Stop:
        return None


def _target_positions(state: PlaneState) -> list[tuple[float, float]]:
    """Where the targets were then; as entered, where the time is not known."""
    if state.places:
        known = (place for place in state.places if place.problem is None)
        return [(place.ra_deg, place.dec_deg) for place in known]
    return [
        (target.ra_deg, target.dec_deg)
        for target in state.request.targets
        if target.ra_deg is not None and target.dec_deg is not None
    ]


def _source_field(state: PlaneState) -> SourceField | None:
    sources = state.sources
    if state.has_pixels or sources is None:
        return None
    return source_field(sources.x, sources.y, sources.flux, frame_shape(state))


def explanation(
    state: PlaneState, outcome: Outcome, measured: TargetMeasurement | None
) -> Explanation:
    """Gather pictures, marks, residuals and ranking of what was found out."""
    pixels = state.plane.pixels
    mark = near = None
    place = _target_place(state, measured)
    if place is not None:
        at = place.x_px, place.y_px, place.aperture_radius_px
        mark = TargetMark(*at, *_neighbours(state, measured))
        near = around(pixels, *at, place.label) if state.has_pixels else None
    ranking = () if state.choice is None else state.choice.figures
    return Explanation(
        title=f"{state.plane.name}: {outcome.value.replace('_', ' ')}",
        verdict=verdict_of(state),
        around_target=near,
        whole_frame=whole_frame(pixels) if state.has_pixels else None,
        target=mark,
        stars=state.matched_stars,
        bands=tuple(json_form(band) for band in ranking),
        star_image=_star_image(state),
        source_field=_source_field(state),
    )
