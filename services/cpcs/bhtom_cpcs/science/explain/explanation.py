"""The data that shows how a calibration came about, for success and failure alike.

All of it is plain numbers: kept as JSON beside the calibration, drawn on demand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.json_form import json_form

FloatArray = npt.NDArray[np.float64]

# More stars than this tell nothing more, and fill a page and a disk.
MOST_STARS = 3000


@dataclass(frozen=True, slots=True)
class Picture:
    """A part of the image, background subtracted, and marks in its own pixels.

    `step` is the width of a shown pixel in pixels of the frame; `left`, `bottom` the
    frame's pixel that its first one is.
    """

    label: str
    pixels: npt.NDArray[np.float32]
    low: float
    high: float
    left: int = 0
    bottom: int = 0
    step: int = 1


@dataclass(frozen=True, slots=True)
class SourceField:
    """The sources of a list that came without its image, the brightest of them.

    `x_px`, `y_px` are pixels of the grid that the list was laid on, `width_px` and
    `height_px` its sides; `fainter_mag` is how much fainter than the brightest each is
    [mag].
    """

    label: str
    x_px: FloatArray
    y_px: FloatArray
    fainter_mag: FloatArray
    width_px: float
    height_px: float


@dataclass(frozen=True, slots=True)
class TargetMark:
    """Where the target is, or must be, and its neighbours, in pixels of the frame."""

    x_px: float
    y_px: float
    aperture_radius_px: float
    neighbour_x_px: FloatArray
    neighbour_y_px: FloatArray


@dataclass(frozen=True, slots=True)
class MatchedStars:
    """Reference stars found in the frame, one element a star, NaN where unknown.

    Attributes
    ----------
    x_px, y_px : position in the frame
    reference_magnitude : in the chosen band [mag]
    star_zero_point : reference minus instrumental magnitude, what is known of the
        flat field taken out [mag]
    residual : what is left after the zero point and its colour and spatial terms [mag]
    error : 1 sigma of the residual [mag]
    colour : in `colour_name` [mag]
    air_mass : of the star itself
    used : whether the star carries the zero point
    why_not : why an unused star was left out, "" for a used one
    zero_point, scatter : of the frame [mag]; None where it has none
    optimal_minus_psf, aperture_minus_psf : magnitude by Naylor's weights and in an
        aperture with its growth curve, minus that by the PSF [mag]; a frame's only
    """

    passband: str
    colour_name: str
    x_px: FloatArray
    y_px: FloatArray
    reference_magnitude: FloatArray
    star_zero_point: FloatArray
    residual: FloatArray
    error: FloatArray
    colour: FloatArray
    air_mass: FloatArray
    used: npt.NDArray[np.bool_]
    why_not: tuple[str, ...]
    zero_point: float | None
    scatter: float | None
    optimal_minus_psf: FloatArray | None = None
    aperture_minus_psf: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class StarImage:
    """The stars' image: light within a radius, and brightness along it.

    `growth` is the share of a star's light within `growth_radius_px`; `profile` the
    brightness of a star of unit flux at `profile_radius_px`, `model` the same by the
    fitted PSF; `residual` the mean star minus the model, in units of the peak.
    """

    growth_radius_px: FloatArray
    growth: FloatArray
    profile_radius_px: FloatArray
    profile: FloatArray
    model: FloatArray
    residual: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a person looks at to believe a number, or to see why there is none."""

    title: str
    verdict: str
    around_target: Picture | None = None
    whole_frame: Picture | None = None
    target: TargetMark | None = None
    stars: MatchedStars | None = None
    bands: tuple[Mapping[str, Any], ...] = ()
    star_image: StarImage | None = None
    source_field: SourceField | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; numbers keep the digits that a plot can show."""
        plain: dict[str, Any] = json_form(self)
        return plain


def explanation_from_json(plain: Mapping[str, Any]) -> Explanation:
    """Read back what `to_json` wrote; None among numbers becomes NaN."""
    return Explanation(
        title=plain["title"],
        verdict=plain["verdict"],
        around_target=_part(Picture, plain.get("around_target")),
        whole_frame=_part(Picture, plain.get("whole_frame")),
        target=_part(TargetMark, plain.get("target")),
        stars=_part(MatchedStars, plain.get("stars")),
        bands=tuple(plain.get("bands") or ()),
        star_image=_part(StarImage, plain.get("star_image")),
        source_field=_part(SourceField, plain.get("source_field")),
    )


def _part(kind: type[Any], plain: Mapping[str, Any] | None) -> Any:
    if plain is None:
        return None
    values = dict(plain)
    for name, value in values.items():
        if name == "used":
            values[name] = np.array(value, dtype=bool)
        elif name == "why_not":
            values[name] = tuple(value)
        elif isinstance(value, list):
            values[name] = np.array(value, dtype=float)
    return kind(**values)
