"""Gathers what explains a calibration, whatever stage the reduction came to."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.astrometry.coordinates import Astrometry, read_astrometry
from bhtom_cpcs.science.epochs import julian_year
from bhtom_cpcs.science.explain.explanation import (
    Explanation,
    SourceField,
    StarImage,
    TargetMark,
)
from bhtom_cpcs.science.explain.pictures import around, source_field, whole_frame
from bhtom_cpcs.science.json_form import json_form
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.results.target import TargetMeasurement
from bhtom_cpcs.science.stages.astrometry_stages import frame_shape
from bhtom_cpcs.science.stages.plane_state import PlaneState
from bhtom_cpcs.science.stages.verdict import verdict_of
from bhtom_cpcs.science.stop import Stop
from bhtom_cpcs.science.targets.neighbourhood import neighbours_in_frame

_UNMEASURED_RADIUS_PX = 3.0
_BY_HEADER = "where the header puts the target"

FloatArray = npt.NDArray[np.float64]


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
