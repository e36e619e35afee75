"""Cuts the pictures of an explanation out of a frame."""

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.explain.explanation import (
    MOST_STARS,
    FloatArray,
    Picture,
    SourceField,
)
from bhtom_cpcs.science.frames.planes import Image

_CUTOUT_HALF_PX = 60
_CUTOUT_MOST_PX = 201
_WHOLE_FRAME_PX = 240
_DIGITS = 4


def whole_frame(pixels: Image) -> Picture:
    """Show the frame thinned to at most some 240 pixels a side."""
    step = max(1, -(-max(pixels.shape) // _WHOLE_FRAME_PX))
    label = "whole frame"
    if step > 1:
        label += f", one pixel of {step} x {step}"
    return _picture(label, pixels[::step, ::step], step=step)


def source_field(
    x_px: FloatArray, y_px: FloatArray, flux: FloatArray, shape: tuple[int, int]
) -> SourceField:
    """Show where the brightest sources of a list are, which come first in it."""
    bright = np.flatnonzero(
        np.isfinite(x_px) & np.isfinite(y_px) & np.isfinite(flux) & (flux > 0)
    )[:MOST_STARS]
    label = f"the list's {len(x_px)} sources"
    if len(bright) < len(x_px):
        label = f"{len(bright)} of {label}"
    return SourceField(
        label,
        np.round(x_px[bright], 2),
        np.round(y_px[bright], 2),
        np.round(-2.5 * np.log10(flux[bright] / flux[bright].max(initial=0.0)), 2),
        width_px=float(shape[1]),
        height_px=float(shape[0]),
    )


def around(
    pixels: Image,
    x: float,
    y: float,
    aperture_radius_px: float,
    place: str = "the target",
) -> Picture:
    """Show the surroundings of a position on the frame, at least 121 pixels wide."""
    height, width = pixels.shape
    half = int(max(_CUTOUT_HALF_PX, 8 * aperture_radius_px))
    left, bottom = max(round(x) - half, 0), max(round(y) - half, 0)
    right, top = min(round(x) + half + 1, width), min(round(y) + half + 1, height)
    step = max(1, -(-max(right - left, top - bottom) // _CUTOUT_MOST_PX))
    return _picture(
        f"{right - left} x {top - bottom} px about {place}",
        pixels[bottom:top:step, left:right:step],
        left=left,
        bottom=bottom,
        step=step,
    )


def _picture(
    label: str,
    part: npt.NDArray[np.float32],
    *,
    left: int = 0,
    bottom: int = 0,
    step: int = 1,
) -> Picture:
    low, high = _display_range(part)
    return Picture(label, _short(part, high - low), low, high, left, bottom, step)


def _short(part: npt.NDArray[np.float32], span: float) -> npt.NDArray[np.float32]:
    """Round to what a picture can show: four digits of the displayed range."""
    places = int(_DIGITS - np.floor(np.log10(max(span, 1e-30))) - 1)
    return np.round(part.astype(float), places).astype(np.float32)


def _display_range(part: npt.NDArray[np.float32]) -> tuple[float, float]:
    if not part.size:
        return 0.0, 1.0
    low, high = np.percentile(part, (5, 99.5))
    return float(low), float(high) if high > low else float(low) + 1.0
