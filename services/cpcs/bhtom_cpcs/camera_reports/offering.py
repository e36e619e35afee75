"""What a camera's report card offers as its next version."""

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Any, Final

from bhtom_contracts.events.cameras import (
    MOST_FLAT_MAPS,
    CameraPin,
    FlatMap,
    LearnedFigures,
)
from bhtom_cpcs.camera_reports import learning
from bhtom_cpcs.camera_reports.estimates import FEWEST_FRAMES, Estimate
from bhtom_cpcs.camera_reports.frame_figures import FrameFigures
from bhtom_cpcs.camera_reports.row_figures import (
    SURE_SIGMA,
    TOLERANCE,
    binning_sides,
    is_of_row,
    is_wrong,
    stated_scale,
)
from bhtom_cpcs.camera_reports.schemas import CameraReport, Proposal

# Times of evidence that everybody is told, to the month.
_COARSE_D: Final = 30.0


def proposal_of(
    camera: CameraPin, report: CameraReport, frames: Sequence[FrameFigures]
) -> Proposal | None:
    """The changes worth a new version; None while too little is known.

    Parameters
    ----------
    frames : of one binning, as the report's figures are
    """
    too_few = len(frames) < FEWEST_FRAMES
    if too_few or report.nights < learning.FEWEST_NIGHTS:
        return None
    changes, sentences = _row_changes(camera, report)
    learned = _learned(report, frames)
    sentences.append(_what_was_learnt(report, learned))
    changes["learned"] = learned.model_dump(mode="json")
    changes["note"] = " ".join(sentences)[:500]
    text = json.dumps(changes, sort_keys=True, separators=(",", ":"))
    return Proposal(
        changes=changes,
        sentences=sentences,
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


def _row_changes(
    camera: CameraPin, report: CameraReport
) -> tuple[dict[str, Any], list[str]]:
    """Changes of the row's own figures, and why.

    All of a row's figures are of one binning: where the frames are of another, the row
    is offered at that one. Pixels that are no squares have no row.
    """
    changes: dict[str, Any] = {}
    sentences = []
    sides = binning_sides(report.binning)
    if sides is not None and sides[0] != sides[1]:
        return {}, [_no_row(report)]
    if sides is not None and not is_of_row(camera, report.binning):
        changes["binning"] = sides[0]
        scale = stated_scale(camera, report.binning)
        if scale is not None:
            changes["pixel_scale"] = float(f"{scale:.5g}")
        sentences.append(_other_binning(camera, report))
    for figure in report.figures:
        if figure.name not in TOLERANCE:
            continue
        measured = Estimate(figure.measured, figure.error, figure.frames)
        if figure.stated is None or is_wrong(figure.name, figure.stated, measured):
            changes[figure.name] = float(f"{figure.measured:.5g}")
            sentences.append(figure.sentence)
    return changes, sentences


def _no_row(report: CameraReport) -> str:
    return f"Frames binned {report.binning} say nothing of the camera's row."


def _other_binning(camera: CameraPin, report: CameraReport) -> str:
    row = camera.binning or 1
    measured = {figure.name for figure in report.figures}
    stated = {
        "gain": camera.gain,
        "saturation_level": camera.saturation_level,
        "readout_noise": camera.readout_noise,
    }
    kept = [
        name.replace("_", " ")
        for name, value in stated.items()
        if value is not None and name not in measured
    ]
    rest = f"; {', '.join(kept)} stay as stated for {row}x{row}" if kept else ""
    return (
        f"Most frames are binned {report.binning} and the row is of {row}x{row}: it is "
        f"offered at {report.binning}{rest}."
    )


def _what_was_learnt(report: CameraReport, learned: LearnedFigures) -> str:
    counts = (
        (len(learned.colour_terms), "colour term", "colour terms"),
        (len(learned.limits), "limiting magnitude", "limiting magnitudes"),
        (len(learned.flat_maps), "flat-field map", "flat-field maps"),
    )
    told = [f"{n} {one if n == 1 else several}" for n, one, several in counts if n]
    known = ", ".join(told) or "nothing else"
    binned = "" if report.binning is None else f" binned {report.binning}"
    left_out = len(report.flat_maps) - len(learned.flat_maps)
    rest = f" ({left_out} that are less sure do not fit in)" if left_out else ""
    return (
        f"From {learned.frames} frames{binned} of {learned.nights} nights: {known}"
        f"{rest}."
    )


def _learned(report: CameraReport, frames: Sequence[FrameFigures]) -> LearnedFigures:
    shutter = next(
        (
            figure
            for figure in report.figures
            if figure.name == "shutter_time"
            and abs(figure.measured) > SURE_SIGMA * figure.error
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
        binning=report.binning,
        # one that is not sure would only make targets without a colour uncertain
        colour_terms=tuple(
            term
            for term in report.colour_terms
            if abs(term.slope) > SURE_SIGMA * term.slope_error
        ),
        limits=tuple(report.limits),
        shutter_time=None if shutter is None else shutter.measured,
        shutter_time_error=None if shutter is None else shutter.error,
        flat_maps=_surest(report.flat_maps),
    )


def _surest(maps: Sequence[FlatMap]) -> tuple[FlatMap, ...]:
    """As many maps as a request can carry, those that are farthest from flat."""
    most = sorted(range(len(maps)), key=lambda number: -_chi2(maps[number]))
    return tuple(maps[number] for number in sorted(most[:MOST_FLAT_MAPS]))


def _chi2(flat: FlatMap) -> float:
    """How far a map is from flat, in squares of its errors."""
    pairs = zip(flat.residuals, flat.errors, strict=True)
    return sum((value / error) ** 2 for value, error in pairs if value and error)
