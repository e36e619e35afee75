"""What one calibrated plane says about its camera, read from its stored result."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bhtom_cpcs.science.images_in_files import image_in_file, is_alone

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
class Sampled:
    """Which of the camera's pixels a plane is of.

    `image` is a chip's name, `colour` that of a colour camera's plane. `binning`
    (`2x2`) is None where the header does not tell. `pixel_pitch` and `pixels_averaged`
    count the file's pixels along a value's step and in a value; None for planes whose
    colours were interpolated, or of which nothing is on record.
    """

    image: str = ""
    colour: str = ""
    binning: str | None = None
    pixel_pitch: int | None = 1
    pixels_averaged: int | None = 1
    width_px: int = 0
    height_px: int = 0

    @property
    def is_as_read(self) -> bool:
        """Whether values are the camera's own, or means of so many of them."""
        return self.pixels_averaged is not None


@dataclass(frozen=True, slots=True)
class FrameFigures:
    """One plane's figures; None where it could not say.

    Scale, sky and saturation are of one of the file's pixels. `star_share` is the
    share of the image within 1.5 widths of a star. `is_seen` says whether the reader
    may be told of this frame by itself.
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
    sampled: Sampled = Sampled()
    star_share: float = 0.0
    as_read: bool = False


def figures_of(
    result: Plain, longitude_deg: float, *, is_seen: bool = True
) -> FrameFigures:
    """Read a plane's stored result; a night belongs to the site's longitude."""
    timing, quality = _part(result, "timing"), _part(result, "quality")
    zero_point = _part(result, "zero_point")
    # another frame's, which teaches by itself
    is_borrowed = zero_point.get("source") == "borrowed"
    own = {} if is_borrowed else zero_point
    term, residuals = _part(own, "colour_term"), _part(result, "residual_map")
    mjd = _number(timing, "mid_exposure_mjd_utc")
    colour = _colour(term)
    sampled = _sampled(result)
    variance = _number(quality, "sky_variance_adu2")
    return FrameFigures(
        outcome=str(result.get("outcome", "")),
        mjd=mjd,
        night=None if mjd is None else _night(mjd, longitude_deg),
        exposure_time_s=_number(timing, "exposure_time_s"),
        air_mass=_number(timing, "air_mass"),
        passband=zero_point.get("passband"),
        fwhm_arcsec=_number(quality, "fwhm_arcsec"),
        pixel_scale_arcsec=_pixel_scale(result, sampled),
        sky_level_adu=_number(quality, "sky_level_adu"),
        sky_variance_adu2=None
        if variance is None or sampled.pixels_averaged is None
        else variance * sampled.pixels_averaged,
        gain_source=str(quality.get("gain_source", "")),
        as_read=quality.get("as_read") is True,
        saturation_seen_adu=_number(quality, "saturation_seen_adu")
        if sampled.is_as_read
        else None,
        zero_point=_number(own, "value"),
        zero_point_error=_number(own, "error"),
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
        sampled=sampled,
        star_share=_star_share(quality, sampled),
    )


def _sampled(result: Plain) -> Sampled:
    """Read what a plane is of; of results from before that was kept, what is sure."""
    quality, wcs = _part(result, "quality"), _part(result, "wcs")
    known = _part(quality, "sampling")
    colour = str(_part(result, "filter").get("plane_colour") or "")
    pitch, averaged = _count(known, "pixel_pitch"), _count(known, "pixels_averaged")
    if not colour:
        pitch, averaged = pitch or 1, averaged or 1
    elif pitch == 1:
        averaged = None  # colours of every pixel: two of three are interpolated
    binning = known.get("binning")
    image = result.get("image")
    return Sampled(
        image=image if isinstance(image, str) else _image(result, colour),
        colour=colour,
        binning=binning if isinstance(binning, str) else None,
        pixel_pitch=pitch,
        pixels_averaged=averaged,
        width_px=_count(wcs, "width_px") or 0,
        height_px=_count(wcs, "height_px") or 0,
    )


def _star_share(quality: Plain, sampled: Sampled) -> float:
    """Share of the image within 1.5 widths of a star; 0 where nothing is known."""
    count, width = _number(quality, "n_sources"), _number(quality, "fwhm_px")
    area = sampled.width_px * sampled.height_px
    if count is None or width is None or not area:
        return 0.0
    return count * math.pi * (1.5 * width) ** 2 / area


def _image(result: Plain, colour: str) -> str:
    count, number = _count(result, "plane_count") or 1, _count(result, "plane") or 0
    if is_alone(count, has_colour=bool(colour)):
        return ""
    name = str(result.get("plane_name") or "")
    return image_in_file(number, name, has_colour=bool(colour))


def _pixel_scale(result: Plain, sampled: Sampled) -> float | None:
    """Scale of the file's own pixels; a list of sources has none."""
    wcs = _part(result, "wcs")
    scale = _number(wcs, "pixel_scale_arcsec")
    is_list = _part(result, "catalogue_file")
    if scale is None or not sampled.pixel_pitch or not _number(wcs, "n_matched"):
        return None
    return None if is_list else scale / sampled.pixel_pitch


def _night(mjd: float, longitude_deg: float) -> int:
    """Number of the local night a moment belongs to."""
    east = longitude_deg - 360 if longitude_deg > 180 else longitude_deg
    return math.floor(mjd + east / 360 - _NIGHT_SHIFT_D)


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


def _count(part: Plain, name: str) -> int | None:
    value = _number(part, name)
    return None if value is None or value < 0 else int(value)


def _number(part: Plain, name: str) -> float | None:
    value = part.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None
