"""The figures of a camera's row, as its frames measure them."""

from collections.abc import Callable, Sequence
from typing import Final

from bhtom_contracts.events.cameras import CameraPin
from bhtom_cpcs.camera_reports import learning
from bhtom_cpcs.camera_reports.estimates import Estimate
from bhtom_cpcs.camera_reports.frame_figures import FrameFigures
from bhtom_cpcs.camera_reports.schemas import ReportedFigure
from bhtom_cpcs.camera_reports.shutter import shutter_time
from bhtom_cpcs.camera_reports.sky_gain import sky_gain

SURE_SIGMA: Final = 3.0
# A stated figure this far from the measured one, and by more than 3 sigma, is wrong.
TOLERANCE: Final = {"gain": 0.2, "pixel_scale": 0.005, "saturation_level": 0.05}
# Elsewhere the noise ruled the stated gain out: averaged, normalised frames. Whole
# numbers of one exposure are neither: there the row itself is wrong.
_SINGLE_FRAMES: Final = ("camera", "header", "none")


def binning_sides(binning: str | None) -> tuple[int, int] | None:
    """Both sides of a binning (`2x2`), None where nobody told it."""
    if binning is None:
        return None
    x, _, y = binning.partition("x")
    return int(x), int(y)


def is_of_row(camera: CameraPin, binning: str | None) -> bool:
    """Whether frames are of the binning that the camera's row is of, if told."""
    row = camera.binning or 1
    return binning_sides(binning) in (None, (row, row))


def stated_scale(camera: CameraPin, binning: str | None) -> float | None:
    """The row's pixel scale at the frames' binning [arcsec]."""
    sides, row = binning_sides(binning), camera.binning or 1
    if camera.pixel_scale is None or sides is None:
        return camera.pixel_scale
    x, y = sides
    return float(camera.pixel_scale * (x * y) ** 0.5 / row)


def row_figures(
    camera: CameraPin, binning: str | None, frames: Sequence[FrameFigures]
) -> list[ReportedFigure]:
    """What frames of one binning tell, beside what the row states for it.

    Of another binning than the row's only the pixel scale can be told.
    """
    same = is_of_row(camera, binning)
    rows: tuple[
        tuple[str, str, float | None, Callable[[FrameFigures], float | None]], ...
    ] = (
        (
            "pixel_scale",
            "arcsec/px",
            stated_scale(camera, binning),
            lambda f: f.pixel_scale_arcsec,
        ),
        (
            "saturation_level",
            "adu",
            camera.saturation_level if same else None,
            lambda f: f.saturation_seen_adu,
        ),
        ("seeing", "arcsec", None, lambda f: f.fwhm_arcsec),
    )
    found = [
        _figure(name, unit, stated, measured)
        for name, unit, stated, figure in rows
        if (measured := learning.typical(frames, figure)) is not None
    ]
    single = [f for f in frames if f.as_read or f.gain_source in _SINGLE_FRAMES]
    gain = sky_gain(single)
    if gain is not None:
        stated = camera.gain if same else None
        found.insert(0, _figure("gain", "electron/adu", stated, gain))
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
        if abs(measured.value) <= SURE_SIGMA * measured.error:
            return "The shutter opens and closes as the header says."
        return f"Exposures last {measured.value:+.3f} s beside what the header says."
    if name not in TOLERANCE:
        return f"The median of {measured.frames} frames."
    if stated is None:
        return (
            f"The camera's row has no {what} for this binning; {measured.frames} "
            "frames agree on one."
        )
    if is_wrong(name, stated, measured):
        return f"The camera's row says {stated:g}; {measured.frames} frames disagree."
    return f"{measured.frames} frames agree with the camera's row."


def is_wrong(name: str, stated: float, measured: Estimate) -> bool:
    """Whether a stated figure is off by more than its tolerance and 3 sigma."""
    off = abs(measured.value - stated)
    return off > TOLERANCE[name] * abs(stated) and off > 3 * measured.error
