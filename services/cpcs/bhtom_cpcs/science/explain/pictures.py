"""Cuts the pictures of an explanation out of a frame."""

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.explain.explanation import Picture
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


def around(pixels: Image, x: float, y: float, aperture_radius_px: float) -> Picture:
    """Show the surroundings of a position, at least 121 pixels wide."""
    height, width = pixels.shape
    half = int(max(_CUTOUT_HALF_PX, 8 * aperture_radius_px))
    left, bottom = max(round(x) - half, 0), max(round(y) - half, 0)
    right, top = min(round(x) + half + 1, width), min(round(y) + half + 1, height)
    step = max(1, -(-max(right - left, top - bottom) // _CUTOUT_MOST_PX))
    return _picture(
        f"{right - left} x {top - bottom} px about the target",
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
