"""Gathers what a diagnostic plot shows, for success and failure alike."""

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.explain.plot_data import PlotData, ResidualPlot
from bhtom_cpcs.science.frames.fits_input import Image

FloatArray = npt.NDArray[np.float64]

_CUTOUT_HALF_PX = 60
_WHOLE_FRAME_PX = 320


def whole_frame(pixels: Image, title: str, verdict: str) -> PlotData:
    """Show the frame thinned to at most some 320 pixels a side."""
    step = max(1, -(-max(pixels.shape) // _WHOLE_FRAME_PX))
    thin = np.array(pixels[::step, ::step])
    label = "whole frame" if step == 1 else f"whole frame, every {step}th pixel"
    return PlotData(title, verdict, thin, label, *_display_range(thin))


def cutout(
    pixels: Image,
    title: str,
    verdict: str,
    target: tuple[float, float],
    aperture_radius: float,
    stars: tuple[FloatArray, FloatArray],
    residuals: ResidualPlot | None,
) -> PlotData:
    """Show the target's surroundings with its aperture and the stars used."""
    height, width = pixels.shape
    x, y = target
    half = int(max(_CUTOUT_HALF_PX, 8 * aperture_radius))
    left, bottom = max(round(x) - half, 0), max(round(y) - half, 0)
    right, top = min(round(x) + half + 1, width), min(round(y) + half + 1, height)
    part = np.array(pixels[bottom:top, left:right])
    star_x, star_y = stars[0] - left, stars[1] - bottom
    inside = (star_x >= 0) & (star_x < right - left)
    inside &= (star_y >= 0) & (star_y < top - bottom)
    low, high = _display_range(part)
    return PlotData(
        title=title,
        verdict=verdict,
        cutout=part,
        cutout_label=f"{right - left} x {top - bottom} px about the target",
        display_low=low,
        display_high=high,
        target_x=x - left,
        target_y=y - bottom,
        aperture_radius=aperture_radius,
        star_x=star_x[inside],
        star_y=star_y[inside],
        residuals=residuals,
    )


def _display_range(part: npt.NDArray[np.float32]) -> tuple[float, float]:
    if not part.size:
        return 0.0, 1.0
    low, high = np.percentile(part, (5, 99.5))
    return float(low), float(high) if high > low else float(low) + 1.0
