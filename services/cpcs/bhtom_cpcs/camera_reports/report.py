"""Puts a camera's report card together."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from bhtom_contracts.events.cameras import (
    CameraPin,
    FlatMap,
    LearnedColourTerm,
    LearnedLimit,
)
from bhtom_cpcs.camera_reports import learning
from bhtom_cpcs.camera_reports.frame_figures import FrameFigures
from bhtom_cpcs.camera_reports.offering import proposal_of
from bhtom_cpcs.camera_reports.row_figures import row_figures
from bhtom_cpcs.camera_reports.schemas import CameraReport

_MEASURED: Final = ("calibrated", "limit")
_BESIDE_TARGET: Final = "target_outside_frame"
_NOT_TOLD: Final = "not told"
# Every figure needs five frames; what else it takes.
_NEEDS: Final = {
    "gain": "Gain: single exposures, not crowded, whose sky brightens by half.",
    "pixel_scale": "Pixel scale: frames that the stars of a catalogue have placed.",
    "saturation_level": "Saturation level: frames with stars that reach it.",
    "shutter_time": "Shutter time: nights with exposures of which some are three times "
    "as long as others, in one band and at one air mass.",
    "colour": "Colour terms: frames of two nights, each with stars of many colours.",
    "flat": "Flat-field maps: about three usable stars a frame in each 64th of the "
    "image.",
}


def report_of(
    camera: CameraPin, camera_version: int, frames: Sequence[FrameFigures]
) -> CameraReport:
    """Everything that the frames tell, beside what the camera's version says.

    Colours do not depend on the binning, all else is of the commonest one.
    """
    good = [frame for frame in frames if _teaches(frame)]
    alike = learning.of_one_binning(good)
    moments = [frame.mjd for frame in good if frame.is_seen and frame.mjd is not None]
    binning = alike[0].sampled.binning if alike else None
    others = Counter(frame.sampled.binning or _NOT_TOLD for frame in good)
    others.subtract(frame.sampled.binning or _NOT_TOLD for frame in alike)
    figures, terms = row_figures(camera, binning, alike), _colour_terms(good)
    flats = [_flat_map(one) for one in learning.flat_maps(alike)]
    told = {figure.name for figure in figures}
    told |= {name for name, found in (("colour", terms), ("flat", flats)) if found}
    report = CameraReport(
        camera_id=camera.camera_id,
        oname=camera.oname,
        camera_version=camera_version,
        planes=len(frames),
        nights=len({frame.night for frame in alike if frame.night is not None}),
        first_mjd=min(moments, default=None),
        last_mjd=max(moments, default=None),
        outcomes=dict(Counter(frame.outcome for frame in frames).most_common()),
        figures=figures,
        not_yet=[sentence for name, sentence in _NEEDS.items() if name not in told],
        colour_terms=terms,
        limits=_limits(alike),
        flat_maps=flats,
        binning=binning,
        other_binnings={name: n for name, n in sorted(others.items()) if n},
        proposal=None,
    )
    offered = proposal_of(camera, report, alike)
    return report.model_copy(update={"proposal": offered})


def _teaches(frame: FrameFigures) -> bool:
    """Whether a frame was calibrated; a mosaic's chip may be without its target."""
    beside_target = frame.outcome == _BESIDE_TARGET and frame.zero_point is not None
    return frame.outcome in _MEASURED or beside_target


def _colour_terms(frames: Sequence[FrameFigures]) -> list[LearnedColourTerm]:
    return [
        LearnedColourTerm(
            passband=term.passband,
            colour=term.colour,
            slope=term.slope.value,
            slope_error=term.slope.error,
            frames=term.slope.frames,
            air_mass=term.air_mass,
        )
        for term in learning.colour_terms(frames)
    ]


def _limits(frames: Sequence[FrameFigures]) -> list[LearnedLimit]:
    return [
        LearnedLimit(
            passband=limit.passband,
            exposure_time=limit.exposure_time_s,
            limit_5_sigma=limit.magnitude.value,
            frames=limit.magnitude.frames,
        )
        for limit in learning.limits(frames)
    ]


def _flat_map(flat: learning.FlatEstimate) -> FlatMap:
    size = flat.columns * flat.rows
    residuals: list[float | None] = [None] * size
    errors: list[float | None] = [None] * size
    for cell in flat.cells:
        place = cell.row * flat.columns + cell.column
        residuals[place], errors[place] = cell.residual, cell.error
    return FlatMap(
        passband=flat.passband,
        image=flat.image,
        colour=flat.colour,
        width=flat.width_px,
        height=flat.height_px,
        columns=flat.columns,
        rows=flat.rows,
        residuals=tuple(residuals),
        errors=tuple(errors),
        stars=sum(cell.stars for cell in flat.cells),
        frames=flat.frames,
    )
