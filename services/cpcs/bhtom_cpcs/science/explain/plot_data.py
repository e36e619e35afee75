"""The arrays behind a diagnostic plot, kept as data beside the picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.json_form import json_form

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ResidualPlot:
    """Matched stars in the chosen band: reference magnitude and zero point of each."""

    passband: str
    reference_magnitude: FloatArray
    star_zero_point: FloatArray
    star_error: FloatArray
    used: npt.NDArray[np.bool_]
    zero_point: float
    scatter: float


@dataclass(frozen=True, slots=True)
class PlotData:
    """What plot.py draws: a cut-out, marks on it, and the zero-point residuals.

    `cutout` is a background-subtracted part of the image (or all of it, binned);
    marks are in its pixels. Without a target position the cut-out shows the frame.
    """

    title: str
    verdict: str
    cutout: npt.NDArray[np.float32]
    cutout_label: str
    display_low: float
    display_high: float
    target_x: float | None = None
    target_y: float | None = None
    aperture_radius: float | None = None
    star_x: FloatArray | None = None
    star_y: FloatArray | None = None
    residuals: ResidualPlot | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the plot's data as plain JSON values."""
        plain: dict[str, Any] = json_form(self)
        return plain
