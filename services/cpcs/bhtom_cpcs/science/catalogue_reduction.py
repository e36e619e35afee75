"""Reduces an instrumental catalogue: the stages of a frame without its pixels."""

import hashlib
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from bhtom_cpcs.science.catalogue_files.instrumental_catalogue import (
    InstrumentalCatalogue,
)
from bhtom_cpcs.science.catalogue_files.reading import read_catalogue
from bhtom_cpcs.science.frames.planes import Plane
from bhtom_cpcs.science.reduction import (
    answer,
    astropy_texts,
    provenance,
)
from bhtom_cpcs.science.reference import ReferenceCatalogue
from bhtom_cpcs.science.request import ReductionRequest
from bhtom_cpcs.science.results.reduction import FrameReduction, PlaneReduction
from bhtom_cpcs.science.stages import (
    astrometry_stages,
    calibration_stages,
    instrumental_stages,
    sky_match_stage,
)
from bhtom_cpcs.science.stages.instrumental_stages import SourceListState
from bhtom_cpcs.science.stages.target_stages import settle_outcome
from bhtom_cpcs.science.stop import Stop

METHOD = "catalogue-1"
_NAME = "instrumental catalogue"

STAGES: tuple[Callable[[SourceListState], None], ...] = (
    instrumental_stages.read_catalogue_time,
    instrumental_stages.place_sources,
    astrometry_stages.read_wcs,
    astrometry_stages.refuse_unreachable_targets,
    instrumental_stages.count_sources,
    sky_match_stage.match_to_sky,
    astrometry_stages.place_targets,
    instrumental_stages.choose_brightness,
    calibration_stages.choose_comparison_stars,
    calibration_stages.fit_zero_points,
    instrumental_stages.find_targets,
    settle_outcome,
)


def reduce_catalogue(
    path: Path, request: ReductionRequest, reference: ReferenceCatalogue
) -> FrameReduction:
    """Calibrate an instrumental catalogue; every failure is a stated outcome.

    The same cross-match, band ranking and zero point as for a frame; the target is
    the entry nearest to it. The middle of the exposure comes with the request or from
    the file. One plane, numbered 0.
    """
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            file = instrumental_stages.brightest_first(read_catalogue(path))
        except Stop as stop:
            return FrameReduction((_unread(stop, reference),), None)
        seconds["read"] = time.perf_counter() - started
        nothing = np.zeros((0, 0), dtype=np.float32)
        plane = Plane(_NAME, file.header, nothing, None)
        state = SourceListState(plane, request, reference, catalogue_file=file)
        try:
            for stage in STAGES:
                started = time.perf_counter()
                stage(state)
                seconds[stage.__name__] = time.perf_counter() - started
                if state.outcome is not None:
                    break
        except Stop as stop:
            state.outcome, state.message = stop.outcome, stop.message
    state.warnings += astropy_texts(caught)
    result = replace(answer(state, 0, 1, METHOD), catalogue_file=state.described())
    return FrameReduction((result,), _fingerprint(file, request), seconds)


def _unread(stop: Stop, reference: ReferenceCatalogue) -> PlaneReduction:
    return PlaneReduction(
        plane=0,
        plane_count=1,
        plane_name=_NAME,
        outcome=stop.outcome,
        message=stop.message,
        provenance=provenance(reference, (), METHOD),
    )


def _fingerprint(file: InstrumentalCatalogue, request: ReductionRequest) -> str:
    """Hash the positions, magnitudes and time, whatever the format they came in."""
    digest = hashlib.sha256(f"mjd={request.mid_exposure_mjd_utc};".encode())
    for values in (file.ra_deg, file.dec_deg, file.x_px, file.y_px):
        if values is not None:
            digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    for one in file.estimators:
        digest.update(np.ascontiguousarray(one.magnitude, dtype="<f8").tobytes())
    return digest.hexdigest()
