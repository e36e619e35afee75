"""What one calibrated plane says about its camera, read from its stored result."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Plain = Mapping[str, Any]
# Local noon ends a night anywhere; half a day behind UTC serves for a count of nights.
_NIGHT_SHIFT_D = 0.5


@dataclass(frozen=True, slots=True)
class ResidualCell:
    """What stars of one cell of the image left over: sums of weight and of product."""

    column: int
    row: int
    stars: int
    weight: float
    weighted_residual: float


@dataclass(frozen=True, slots=True)
class FrameFigures:
    """One plane's figures; None where it could not say.

    `is_seen` says whether the reader may be told of this frame by itself.
    """

    outcome: str
    mjd: float | None
    night: int | None
    exposure_time_s: float | None
    air_mass: float | None
    passband: str | None
    fwhm_arcsec: float | None
    pixel_scale_arcsec: float | None
    sky_level_adu: float | None
    sky_variance_adu2: float | None
    gain_source: str
    saturation_seen_adu: float | None
    zero_point: float | None
    zero_point_error: float | None
    colour: str | None
    colour_term: float | None
    colour_term_error: float | None
    limit_5_sigma: float | None
    software_version: str
    map_columns: int = 0
    map_rows: int = 0
    cells: tuple[ResidualCell, ...] = ()
    is_seen: bool = True


def figures_of(
    result: Plain, longitude_deg: float, *, is_seen: bool = True
) -> FrameFigures:
    """Read a plane's stored result; a night belongs to the site's longitude."""
    timing, quality = _part(result, "timing"), _part(result, "quality")
    zero_point, wcs = _part(result, "zero_point"), _part(result, "wcs")
    term, residuals = (
        _part(zero_point, "colour_term"),
        _part(result, "residual_map"),
    )
    mjd = _number(timing, "mid_exposure_mjd_utc")
    colour = _colour(term)
    return FrameFigures(
        outcome=str(result.get("outcome", "")),
        mjd=mjd,
        night=None if mjd is None else _night(mjd, longitude_deg),
        exposure_time_s=_number(timing, "exposure_time_s"),
        air_mass=_number(timing, "air_mass"),
        passband=zero_point.get("passband"),
        fwhm_arcsec=_number(quality, "fwhm_arcsec"),
        pixel_scale_arcsec=_number(wcs, "pixel_scale_arcsec")
        if _number(wcs, "n_matched")
        else None,
        sky_level_adu=_number(quality, "sky_level_adu"),
        sky_variance_adu2=_number(quality, "sky_variance_adu2"),
        gain_source=str(quality.get("gain_source", "")),
        saturation_seen_adu=_saturation(quality),
        zero_point=_number(zero_point, "value"),
        zero_point_error=_number(zero_point, "error"),
        colour=colour,
        colour_term=_number(term, "value") if colour else None,
        colour_term_error=_number(term, "error"),
        limit_5_sigma=_deepest(result),
        software_version=str(_part(result, "provenance").get("software_version", "")),
        map_columns=int(_number(residuals, "columns") or 0),
        map_rows=int(_number(residuals, "rows") or 0),
        cells=tuple(
            ResidualCell(
                int(cell["column"]),
                int(cell["row"]),
                int(cell["stars"]),
                float(cell["weight"]),
                float(cell["weighted_residual"]),
            )
            for cell in residuals.get("cells") or ()
        ),
        is_seen=is_seen,
    )


def _night(mjd: float, longitude_deg: float) -> int:
    """Number of the local night a moment belongs to."""
    east = longitude_deg - 360 if longitude_deg > 180 else longitude_deg
    return math.floor(mjd + east / 360 - _NIGHT_SHIFT_D)


def _saturation(quality: Plain) -> float | None:
    """Level at which pixels of this frame were seen to end, None where none did."""
    if not _number(quality, "saturated_fraction"):
        return None
    return _number(quality, "saturation_adu")


def _colour(term: Plain) -> str | None:
    """`g - r` of two passbands; None where the frame's own stars showed no slope."""
    if not term.get("n_stars") or not term.get("blue") or not term.get("red"):
        return None
    return " - ".join(str(term[end]).rpartition("/")[2] for end in ("blue", "red"))


def _deepest(result: Plain) -> float | None:
    limits = [
        limit
        for measured in result.get("measurements") or ()
        if (limit := _number(measured, "limit_5sigma")) is not None
    ]
    return max(limits, default=None)


def _part(whole: Plain, name: str) -> Plain:
    found = whole.get(name)
    return found if isinstance(found, Mapping) else {}


def _number(part: Plain, name: str) -> float | None:
    value = part.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None
