"""What runs in a reduction's own process: nothing heavy is imported before that."""

import gzip
import json
import os
import time
from typing import TYPE_CHECKING, Any, Final

from bhtom_contracts.camera_bounds import (
    FIGURES,
    impossible_figures,
    is_possible,
)
from bhtom_contracts.events.cameras import LearnedFigures
from bhtom_contracts.events.frames import FitsUploaded
from bhtom_cpcs.calibrations.reduced import ReducedFrame, ReducedPlane, ReductionTask
from bhtom_cpcs.decisions.pinned import decisions_of

if TYPE_CHECKING:
    from bhtom_cpcs.science.explain.explanation import Explanation
    from bhtom_cpcs.science.learned_camera import LearnedCamera
    from bhtom_cpcs.science.request import ReductionRequest

_THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def reduce_pinned_frame(task: ReductionTask) -> ReducedFrame:
    """Reduce a frame or catalogue with its pinned inputs and draw its plots."""
    limit_threads()
    from pathlib import Path

    from bhtom_cpcs.calibrations.tied_release import reduce_with_ties
    from bhtom_cpcs.reference_catalogues.catalogue import catalogues_to_try
    from bhtom_cpcs.science.catalogue_reduction import reduce_catalogue
    from bhtom_cpcs.science.reduction import reduce_frame

    started = time.perf_counter()
    reduce = reduce_frame if task.inputs.kind == "fits_file" else reduce_catalogue
    request = reduction_request(task.inputs, task.decisions)
    pins = request.decisions.pinned_releases
    reduction = reduce_with_ties(
        catalogues_to_try(Path(task.catalogue_folder), task.catalogue, pins),
        pins,
        lambda reference: reduce(Path(task.frame), request, reference),
    )
    planes = tuple(
        ReducedPlane(
            storable(plane.to_json()),
            _drawn(plane.explanation),
            _packed(plane.explanation),
        )
        for plane in reduction.planes
    )
    seconds = time.perf_counter() - started
    return ReducedFrame(planes, reduction.pixel_fingerprint, seconds)


def limit_threads() -> None:
    """One thread a process: workers scale by processes, and results stay bit-equal.

    Takes effect because numpy's libraries read it when they are first loaded.
    """
    for variable in _THREADS:
        os.environ[variable] = "1"


def reduction_request(
    inputs: FitsUploaded, decisions: dict[str, Any]
) -> "ReductionRequest":
    """The pinned inputs and decisions in the science's words."""
    from bhtom_cpcs.calibrations.position_models import target_position
    from bhtom_cpcs.science.request import CameraSettings, ReductionRequest, Site

    camera = inputs.camera
    return ReductionRequest(
        targets=(target_position(inputs.target),),
        site=Site(camera.site.latitude, camera.site.longitude, camera.site.altitude),
        camera=CameraSettings(
            gain_e_per_adu=_figure("gain", camera.gain),
            read_noise_e=_figure("readout_noise", camera.readout_noise),
            saturation_adu=_figure("saturation_level", camera.saturation_level),
            pixel_scale_arcsec=_figure("pixel_scale", camera.pixel_scale),
            binning=camera.binning or 1,
            aperture_m=camera.aperture,
            date_keyword=camera.keywords.date,
            time_keyword=camera.keywords.time,
            exposure_time_keyword=camera.keywords.exposure_time,
            filter_keyword=camera.keywords.filter,
            second_order_extinction=tuple(
                (one.passband, one.value) for one in camera.second_order_extinction
            ),
            learned=_learned_camera(camera.learned),
        ),
        requested_filter=inputs.parameters.requested_filter,
        match_radius_arcsec=inputs.parameters.match_radius,
        decisions=decisions_of(decisions),
        mid_exposure_mjd_utc=inputs.parameters.mid_exposure_mjd,
    )


def _figure(name: str, value: float | None) -> float | None:
    """A figure of the camera's row, None where no camera can have it."""
    return value if value is not None and is_possible(value, FIGURES[name]) else None


def _learned_camera(learned: LearnedFigures | None) -> "LearnedCamera":
    """What the pinned version of the camera was accepted to have learnt.

    Nothing of a version that holds what cannot be: it was damaged, or accepted before
    such figures were refused.
    """
    from bhtom_cpcs.science.learned_camera import (
        NOTHING_LEARNT,
        LearnedCamera,
        LearnedColourTerm,
        LearnedFlat,
    )

    if learned is None or impossible_figures(learned):
        return NOTHING_LEARNT
    return LearnedCamera(
        colour_terms=tuple(
            LearnedColourTerm(
                term.passband,
                term.colour,
                term.slope,
                max(term.slope_error, 1e-4),
                term.air_mass,
            )
            for term in learned.colour_terms
        ),
        flats=tuple(
            LearnedFlat(
                passband=one.passband,
                columns=one.columns,
                rows=one.rows,
                residuals=one.residuals,
                errors=one.errors,
                width_px=one.width,
                height_px=one.height,
                image=one.image,
                colour=one.colour,
                binning=learned.binning,
            )
            for one in learned.flat_maps
        ),
        has_mixed_flat=learned.flat_residuals is not None,
        shutter_time_s=learned.shutter_time or 0.0,
    )


def storable(value: Any) -> Any:
    """JSON values without what PostgreSQL cannot hold; headers may say anything."""
    if isinstance(value, str):
        return value.replace("\0", " ").encode(errors="replace").decode()
    if isinstance(value, dict):
        return {storable(name): storable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    return value


def _drawn(explained: "Explanation | None") -> bytes | None:
    if explained is None:
        return None
    from bhtom_cpcs.science.explain.drawing import draw_summary

    return draw_summary(explained)


def _packed(explained: "Explanation | None") -> bytes | None:
    if explained is None:
        return None
    plain = json.dumps(storable(explained.to_json()), separators=(",", ":"))
    # without a time, so that the same explanation is the same file
    return gzip.compress(plain.encode(), compresslevel=5, mtime=0)
