"""Puts a camera's report card together, and what could become its next version."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from bhtom_contracts.events.cameras import (
    CameraPin,
    FlatCell,
    FlatResiduals,
    LearnedColourTerm,
    LearnedFigures,
    LearnedLimit,
)
from bhtom_cpcs.camera_reports import learning
from bhtom_cpcs.camera_reports.estimates import FEWEST_FRAMES, Estimate
from bhtom_cpcs.camera_reports.frame_figures import FrameFigures
from bhtom_cpcs.camera_reports.schemas import CameraReport, Proposal, ReportedFigure
from bhtom_cpcs.camera_reports.shutter import shutter_time
from bhtom_cpcs.camera_reports.sky_gain import sky_gain

_MEASURED: Final = ("calibrated", "limit")
_BESIDE_TARGET: Final = "target_outside_frame"
_SURE_SIGMA: Final = 3.0
# Times of evidence that everybody is told, to the month.
_COARSE_D: Final = 30.0
# Elsewhere the sky's noise ruled the stated gain out: averaged, normalised frames.
_SINGLE_FRAMES: Final = ("camera", "header", "none")
# A stated figure this far from the measured one, and by more than 3 sigma, is wrong.
_TOLERANCE: Final = {"gain": 0.2, "pixel_scale": 0.005, "saturation_level": 0.05}


def report_of(
    camera: CameraPin, camera_version: int, frames: Sequence[FrameFigures]
) -> CameraReport:
    """Everything that the frames tell, beside what the camera's version says."""
    good = [frame for frame in frames if _teaches(frame)]
    moments = [frame.mjd for frame in good if frame.is_seen and frame.mjd is not None]
    figures = _figures(camera, good)
    terms = [
        LearnedColourTerm(
            passband=term.passband,
            colour=term.colour,
            slope=term.slope.value,
            slope_error=term.slope.error,
            frames=term.slope.frames,
            air_mass=term.air_mass,
        )
        for term in learning.colour_terms(good)
    ]
    limits = [
        LearnedLimit(
            passband=limit.passband,
            exposure_time=limit.exposure_time_s,
            limit_5_sigma=limit.magnitude.value,
            frames=limit.magnitude.frames,
        )
        for limit in learning.limits(good)
    ]
    report = CameraReport(
        camera_id=camera.camera_id,
        oname=camera.oname,
        camera_version=camera_version,
        planes=len(frames),
        nights=len({frame.night for frame in good if frame.night is not None}),
        first_mjd=min(moments, default=None),
        last_mjd=max(moments, default=None),
        outcomes=dict(Counter(frame.outcome for frame in frames).most_common()),
        figures=figures,
        colour_terms=terms,
        limits=limits,
        flat_residuals=_flat(good),
        proposal=None,
    )
    return report.model_copy(update={"proposal": _proposal(report, good)})


def _teaches(frame: FrameFigures) -> bool:
    """Whether a frame was calibrated; a mosaic's chip may be without its target."""
    beside_target = frame.outcome == _BESIDE_TARGET and frame.zero_point is not None
    return frame.outcome in _MEASURED or beside_target


def _figures(camera: CameraPin, frames: Sequence[FrameFigures]) -> list[ReportedFigure]:
    rows: tuple[
        tuple[str, str, float | None, Callable[[FrameFigures], float | None]], ...
    ] = (
        (
            "pixel_scale",
            "arcsec/px",
            camera.pixel_scale,
            lambda f: f.pixel_scale_arcsec,
        ),
        (
            "saturation_level",
            "adu",
            camera.saturation_level,
            lambda f: f.saturation_seen_adu,
        ),
        ("seeing", "arcsec", None, lambda f: f.fwhm_arcsec),
    )
    found = [
        _figure(name, unit, stated, measured)
        for name, unit, stated, figure in rows
        if (measured := learning.typical(frames, figure)) is not None
    ]
    gain = sky_gain([f for f in frames if f.gain_source in _SINGLE_FRAMES])
    if gain is not None:
        found.insert(0, _figure("gain", "electron/adu", camera.gain, gain))
    shutter = shutter_time(frames)
    if shutter is not None:
        stated = None if camera.learned is None else camera.learned.shutter_time
        found.append(_figure("shutter_time", "s", stated, shutter))
    return found


def _figure(
    name: str, unit: str, stated: float | None, measured: Estimate
) -> ReportedFigure:
    return ReportedFigure(
        name=name,
        unit=unit,
        stated=stated,
        measured=measured.value,
        error=measured.error,
        frames=measured.frames,
        sentence=_sentence(name, stated, measured),
    )


def _sentence(name: str, stated: float | None, measured: Estimate) -> str:
    what = name.replace("_", " ")
    if name == "shutter_time":
        if abs(measured.value) <= _SURE_SIGMA * measured.error:
            return "The shutter opens and closes as the header says."
        return f"Exposures last {measured.value:+.3f} s beside what the header says."
    if name not in _TOLERANCE:
        return f"The median of {measured.frames} frames."
    if stated is None:
        return f"The camera's row has no {what}; {measured.frames} frames agree on one."
    if _is_wrong(name, stated, measured):
        return f"The camera's row says {stated:g}; {measured.frames} frames disagree."
    return f"{measured.frames} frames agree with the camera's row."


def _is_wrong(name: str, stated: float, measured: Estimate) -> bool:
    off = abs(measured.value - stated)
    return off > _TOLERANCE[name] * abs(stated) and off > 3 * measured.error


def _flat(frames: Sequence[FrameFigures]) -> FlatResiduals | None:
    found = learning.flat_residuals(frames)
    if found is None:
        return None
    columns, rows, cells = found
    return FlatResiduals(
        columns=columns,
        rows=rows,
        cells=tuple(
            FlatCell(
                column=cell.column,
                row=cell.row,
                residual=cell.residual,
                error=cell.error,
                stars=cell.stars,
            )
            for cell in cells
        ),
    )


def _proposal(report: CameraReport, frames: Sequence[FrameFigures]) -> Proposal | None:
    """The changes worth a new version; None while too little is known."""
    too_few = len(frames) < FEWEST_FRAMES
    if too_few or report.nights < learning.FEWEST_NIGHTS:
        return None
    changes: dict[str, Any] = {}
    sentences = []
    for figure in report.figures:
        if figure.name not in _TOLERANCE:
            continue
        measured = Estimate(figure.measured, figure.error, figure.frames)
        if figure.stated is None or _is_wrong(figure.name, figure.stated, measured):
            changes[figure.name] = float(f"{figure.measured:.5g}")
            sentences.append(figure.sentence)
    learned = _learned(report, frames)
    sentences.append(_what_was_learnt(learned))
    changes["learned"] = learned.model_dump(mode="json")
    changes["note"] = " ".join(sentences)[:500]
    text = json.dumps(changes, sort_keys=True, separators=(",", ":"))
    return Proposal(
        changes=changes,
        sentences=sentences,
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


def _what_was_learnt(learned: LearnedFigures) -> str:
    flat = learned.flat_residuals
    counts = (
        (len(learned.colour_terms), "colour term", "colour terms"),
        (len(learned.limits), "limiting magnitude", "limiting magnitudes"),
        (
            len(flat.cells) if flat else 0,
            "cell of a flat field",
            "cells of a flat field",
        ),
    )
    told = [f"{n} {one if n == 1 else several}" for n, one, several in counts if n]
    known = ", ".join(told) or "nothing else"
    return f"From {learned.frames} frames of {learned.nights} nights: {known}."


def _learned(report: CameraReport, frames: Sequence[FrameFigures]) -> LearnedFigures:
    shutter = next(
        (
            figure
            for figure in report.figures
            if figure.name == "shutter_time"
            and abs(figure.measured) > _SURE_SIGMA * figure.error
        ),
        None,
    )
    moments = [frame.mjd for frame in frames if frame.mjd is not None]
    return LearnedFigures(
        frames=len(frames),
        nights=report.nights,
        # A camera's version is for everybody to read, and some frames may not be.
        first_mjd=_COARSE_D * math.floor(min(moments, default=0.0) / _COARSE_D),
        last_mjd=_COARSE_D * math.ceil(max(moments, default=0.0) / _COARSE_D),
        software_version=max(frame.software_version for frame in frames)[:60],
        # one that is not sure would only make targets without a colour uncertain
        colour_terms=tuple(
            term
            for term in report.colour_terms
            if abs(term.slope) > _SURE_SIGMA * term.slope_error
        ),
        limits=tuple(report.limits),
        shutter_time=None if shutter is None else shutter.measured,
        shutter_time_error=None if shutter is None else shutter.error,
        flat_residuals=report.flat_residuals,
    )
