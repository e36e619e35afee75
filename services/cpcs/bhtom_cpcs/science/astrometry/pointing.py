"""What header, camera and target tell of where a frame points and of its scale."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from astropy.io import fits

from bhtom_cpcs.science.frames.binning import binning_of
from bhtom_cpcs.science.frames.fits_files import FITS_ERRORS

# Cards with a pointing, the more trustworthy ones first.
_POINTING_CARDS = (
    ("RA", "DEC"),
    ("OBJCTRA", "OBJCTDEC"),
    ("TELRA", "TELDEC"),
    ("RA_TEL", "DEC_TEL"),
    ("RA-MNT", "DEC-MNT"),
    ("MNTRA", "MNTDEC"),
    ("OBJRA", "OBJDEC"),
    ("RA_OBJ", "DEC_OBJ"),
    ("OBJ_RA", "OBJ_DEC"),
    ("RA_TARG", "DEC_TARG"),
    ("RAJ2000", "DEJ2000"),
    ("CRVAL1", "CRVAL2"),
)
_SCALE_CARDS = ("PIXSCALE", "PIXSCAL1", "SECPIX", "SECPIX1", "SCALE", "CCDSCALE")
_SAME_POINTING_DEG = 0.05
_SEXAGESIMAL = re.compile(
    r"^([+-]?)(\d{1,3})(?:[:hd°]|\s)\s*(\d{1,2})"
    r"(?:(?:[:m']|\s)\s*(\d{1,2}(?:\.\d*)?)?)?\s*[s\"]?$"
)
_ARCSEC_PER_MICRON_AND_MM = math.degrees(1e-3) * 3600
# How far a scale that somebody wrote down may be off.
STATED_SCALE_ERROR = 1.22
_SMALLEST_SCALE, _LARGEST_SCALE = 0.01, 600.0
_SAME_SCALE = 0.05
# Sides of fields whose scale nobody knows, the usual ones first [deg].
_USUAL_SIDES = (0.3, 0.15, 0.6, 1.2, 2.4, 0.075, 4.8, 9.6, 0.04)


@dataclass(frozen=True, slots=True)
class Pointing:
    """A place on the sky where the frame may be, and who says so."""

    ra_deg: float
    dec_deg: float
    said_by: str


def header_pointings(header: fits.Header) -> tuple[Pointing, ...]:
    """Pointings that the header's cards can mean.

    Sexagesimal right ascensions are hours, unless above 24; a decimal one is degrees,
    and then hours if it can be.
    """
    found = []
    for ra_card, dec_card in _POINTING_CARDS:
        dec = _angle(_text(header, dec_card))
        if dec is None or abs(dec) > 90:
            continue
        text = _text(header, ra_card)
        for ra in _right_ascensions(text, _comment(header, ra_card)):
            found.append(Pointing(ra % 360, dec, f"{ra_card}, {dec_card}"))
    return tuple(found)


def distinct(pointings: tuple[Pointing, ...]) -> tuple[Pointing, ...]:
    """Leave out pointings within 3 arcmin of an earlier one."""
    kept: list[Pointing] = []
    for one in pointings:
        scale = math.cos(math.radians(one.dec_deg))
        apart = (
            math.hypot(
                ((one.ra_deg - other.ra_deg + 180) % 360 - 180) * scale,
                one.dec_deg - other.dec_deg,
            )
            for other in kept
        )
        if all(distance > _SAME_POINTING_DEG for distance in apart):
            kept.append(one)
    return tuple(kept)


def scale_ranges(
    header: fits.Header,
    camera_scale_arcsec: float | None,
    shape: tuple[int, int],
    row_binning: int = 1,
) -> Iterator[tuple[float, float]]:
    """Ranges of the pixel scale [arcsec], the likely ones first.

    The camera's row brought to the frame's binning, and as it stands; then the header's
    cards, as they stand and for unbinned pixels; each good to 20 %. Then all usual
    fields from 2 arcmin to 13 deg.
    """
    for scale in (
        *camera_scales(header, camera_scale_arcsec, row_binning),
        *card_scales(header, camera_scale_arcsec, row_binning),
    ):
        yield scale / STATED_SCALE_ERROR, scale * STATED_SCALE_ERROR
    side_px = math.sqrt(shape[0] * shape[1])
    for side in _USUAL_SIDES:
        scale = side * 3600 / side_px
        yield scale / 1.45, scale * 1.45


def camera_scales(
    header: fits.Header, camera_scale_arcsec: float | None, row_binning: int = 1
) -> tuple[float, ...]:
    """Pixel scales that the row allows: at the frame's binning, and as it stands."""
    if camera_scale_arcsec is None:
        return ()
    binning = binning_of(header)
    factor = 1.0 if binning is None else binning.side_over(row_binning)
    return _possible((camera_scale_arcsec * factor, camera_scale_arcsec))


def card_scales(
    header: fits.Header,
    camera_scale_arcsec: float | None = None,
    row_binning: int = 1,
) -> tuple[float, ...]:
    """Pixel scales by other cards than those of the WCS that no camera's row gives."""
    known = camera_scales(header, camera_scale_arcsec, row_binning)
    binning = binning_of(header)
    factor = 1.0 if binning is None else binning.side_over(1)
    stated = _header_scales(header)
    told = _possible(part for scale in stated for part in (scale, scale * factor))
    return tuple(scale for scale in told if not _is_among(scale, known))


def _possible(scales: Iterable[float]) -> tuple[float, ...]:
    found: list[float] = []
    for scale in scales:
        if _SMALLEST_SCALE < scale < _LARGEST_SCALE and not _is_among(scale, found):
            found.append(scale)
    return tuple(found)


def _is_among(scale: float, known: Iterable[float]) -> bool:
    return any(abs(math.log(scale / other)) <= _SAME_SCALE for other in known)


def _header_scales(header: fits.Header) -> list[float]:
    found = [_number(header, card) for card in _SCALE_CARDS]
    pixel, length = _number(header, "XPIXSZ"), _number(header, "FOCALLEN")
    if pixel and length:
        found.append(_ARCSEC_PER_MICRON_AND_MM * pixel / length)
    return [scale for scale in found if scale is not None and scale > 0]


def _right_ascensions(text: str, comment: str) -> list[float]:
    """Degrees that a right ascension's text can mean."""
    value = _angle(text)
    if value is None or not 0 <= value <= 360:
        return []
    hours_possible = value <= 24
    if _SEXAGESIMAL.match(text):
        return [value * 15 if hours_possible else value]
    if hours_possible and re.search(r"\bh(ou)?rs?\b|\[h", comment.lower()):
        return [value * 15]
    return [value, value * 15] if hours_possible else [value]


def _angle(text: str) -> float | None:
    """Number of a decimal or sexagesimal text, in the unit of its first part."""
    if match := _SEXAGESIMAL.match(text):
        sign, whole, minutes, seconds = match.groups()
        value = int(whole) + int(minutes) / 60 + float(seconds or 0) / 3600
        return -value if sign == "-" else value
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _text(header: fits.Header, card: str) -> str:
    try:
        value = header.get(card, "")
    except FITS_ERRORS:
        return ""
    return "" if isinstance(value, bool) else str(value).strip()


def _comment(header: fits.Header, card: str) -> str:
    try:
        return str(header.comments[card])
    except (*FITS_ERRORS, KeyError):
        return ""


def _number(header: fits.Header, card: str) -> float | None:
    try:
        number = float(_text(header, card))
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None
