"""Where the chips of a mosaic lie beside each other, by their headers."""

import math
import re
from collections.abc import Mapping
from typing import Final

from astropy.io import fits

from bhtom_cpcs.science.astrometry.pose import Pose
from bhtom_cpcs.science.frames.header_cards import number_of, text_of

# The chip's pose in a plane that all chips share, by the cards that tell of it.
Layout = Mapping[str, Pose]

_SECTION: Final = re.compile(
    r"^\[\s*(\d{1,7})\s*:\s*(\d{1,7})\s*,\s*(\d{1,7})\s*:\s*(\d{1,7})\s*\]$"
)
_SECTIONS_OF_LIGHT: Final = ("DATASEC", "TRIMSEC")
_SAME_SCALE: Final = 0.01

_Axis = tuple[float, float]  # mosaic = first x pixel + second, pixels from one


def chip_layout(
    header: fits.Header, shape: tuple[int, int], image: str | None = None
) -> Layout:
    """Read the chip's places in the planes that its header knows.

    NOAO's DTM and DTV (CCD to detector, with LTM and LTV from CCD to image), DETSEC,
    LTM and LTV alone (amplifiers of one CCD), CRPIX (one tangent point for all). ATM
    and ATV tell of an amplifier's own coordinates and so of nothing that chips share.

    Parameters
    ----------
    header : fits.Header
    shape : tuple of int
        Height and width of the chip [px].
    image : str, optional
        Name of the image that the plane is a colour of: its colours lie alike.

    Returns
    -------
    Layout
        Pose of the chip's centred pixels by the cards' name; only chips with the same
        name can be compared. Whether the cards are right, the stars must tell.
    """
    layout: dict[str, Pose] = {}
    if image is not None:
        layout[f"colours of {image}"] = Pose(1, 0, False)
    for name, axes in (
        ("DTV", _detector_axes(header)),
        ("DETSEC", _section_axes(header)),
        ("LTV", _ccd_axes(header)),
        ("CRPIX", _pixel_axes(header)),
    ):
        pose = None if axes is None else _pose(*axes, shape)
        if pose is not None:
            layout[name] = pose
    return layout


def _pose(along_x: _Axis, along_y: _Axis, shape: tuple[int, int]) -> Pose | None:
    """The pose of centred pixels; None for axes of another scale than each other."""
    (scale_x, start_x), (scale_y, start_y) = along_x, along_y
    if not all(map(math.isfinite, (*along_x, *along_y))) or not scale_x * scale_y:
        return None
    if abs(abs(scale_x / scale_y) - 1) > _SAME_SCALE:
        return None
    height, width = shape
    b = complex(
        scale_x * (width + 1) / 2 + start_x, scale_y * (height + 1) / 2 + start_y
    )
    return Pose(complex(scale_x), b, scale_x * scale_y < 0)


def _ccd_axes(header: fits.Header) -> tuple[_Axis, _Axis] | None:
    """Image to CCD: the inverse of pixel = LTM ccd + LTV."""
    if not any(card in header for card in ("LTV1", "LTV2", "LTM1_1", "LTM2_2")):
        return None
    axes = []
    for axis in (1, 2):
        scale, start = (
            _value(header, f"LTM{axis}_{axis}", 1.0),
            _value(header, f"LTV{axis}", 0.0),
        )
        if not scale:
            return None
        axes.append((1 / scale, -start / scale))
    return axes[0], axes[1]


def _detector_axes(header: fits.Header) -> tuple[_Axis, _Axis] | None:
    """Image to detector, by way of the CCD."""
    if any(number_of(header, card) is None for card in ("DTV1", "DTV2")):
        return None
    ccd = _ccd_axes(header) or ((1.0, 0.0), (1.0, 0.0))
    axes = []
    for axis, (scale, start) in zip((1, 2), ccd, strict=True):
        matrix = _value(header, f"DTM{axis}_{axis}", 1.0)
        axes.append((matrix * scale, matrix * start + _value(header, f"DTV{axis}", 0)))
    return axes[0], axes[1]


def _section_axes(header: fits.Header) -> tuple[_Axis, _Axis] | None:
    """The section of the detector that the image's light is; reversed is flipped."""
    detector = _section(text_of(header, "DETSEC"))
    if detector is None:
        return None
    light = next(
        (
            section
            for card in _SECTIONS_OF_LIGHT
            if (section := _section(text_of(header, card))) is not None
        ),
        None,
    )
    axes = []
    for axis, (first, last) in enumerate(detector):
        start, end = (1, 1 + abs(last - first)) if light is None else light[axis]
        if end < start:
            return None
        scale = (abs(last - first) + 1) / (end - start + 1)
        signed = scale if last >= first else -scale
        axes.append((signed, first - signed * start))
    return axes[0], axes[1]


def _section(text: str | None) -> tuple[tuple[int, int], tuple[int, int]] | None:
    match = _SECTION.match(text) if text is not None else None
    if match is None:
        return None
    left, right, bottom, top = (int(part) for part in match.groups())
    return (left, right), (bottom, top)


def _pixel_axes(header: fits.Header) -> tuple[_Axis, _Axis] | None:
    """One tangent point for all chips, counted in the pixels of each."""
    x, y = number_of(header, "CRPIX1"), number_of(header, "CRPIX2")
    if x is None or y is None:
        return None
    return (1.0, -x), (1.0, -y)


def _value(header: fits.Header, card: str, otherwise: float) -> float:
    value = number_of(header, card)
    return otherwise if value is None else value
