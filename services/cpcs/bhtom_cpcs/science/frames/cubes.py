"""Images with more than two axes: three colours, or exposures one after another."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from bhtom_cpcs.science.frames.header_cards import text_of

_COLOUR_WORDS = re.compile(r"\brgb|colou?r", re.IGNORECASE)
_TIME_WORDS = re.compile(
    r"\b(time|utc|mjd|jd|frames?|exposures?|reads?|ramp|slices?|sec|seconds?)\b",
    re.IGNORECASE,
)
_TIME_CARDS = ("KINCYCLE", "NUMKIN", "SLDATE01", "DATE-OB1", "NDITS")
_COLOUR_TEXTS = ("COLORTYP", "COLORSPC", "COLORSPACE", "CTYPE3")
_COLOUR_CARDS = ("BAYERPAT", "BAYRPAT")


def squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without leading axes of length one."""
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape


def is_colour_image(header: fits.Header, shape: tuple[int, ...]) -> bool:
    """Tell three colour planes from exposures in time.

    Three planes are colours unless something in the header speaks of time; four are
    colours and transparency only where the header says so. Pixels cannot decide:
    both kinds show the same stars in every plane.
    """
    shape = squeezed(shape)
    if len(shape) != 3:
        return False
    count = 3 if _colours_last(shape) else shape[0]
    said = any(_COLOUR_WORDS.search(text_of(header, c) or "") for c in _COLOUR_TEXTS)
    said |= any(text_of(header, card) for card in _COLOUR_CARDS)
    if count == 3:
        return said or not _speaks_of_time(header)
    return count == 4 and said


def colour_images(data: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
    """Red, green and blue image of a colour cube; a fourth (transparency) is left."""
    data = data.reshape(squeezed(data.shape))
    if _colours_last(data.shape):
        data = np.moveaxis(data, 2, 0)
    return data[0], data[1], data[2]


def image_sides(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of the images of an array."""
    shape = squeezed(shape)
    if len(shape) == 3 and _colours_last(shape):
        return shape[0], shape[1]
    return shape[-2], shape[-1]


def _colours_last(shape: tuple[int, ...]) -> bool:
    """Whether colours are the fastest axis, as picture programs write them."""
    return shape[2] == 3 and min(shape[:2]) > 3


def _speaks_of_time(header: fits.Header) -> bool:
    texts = [text_of(header, card) or "" for card in ("CTYPE3", "CUNIT3", "CNAME3")]
    try:
        texts.append(str(header.comments["NAXIS3"]) if "NAXIS3" in header else "")
    except (fits.VerifyError, ValueError, KeyError):
        texts.append("")
    unit = texts[1].lower() in ("s", "d", "day", "min", "h")
    return (
        unit
        or any(_TIME_WORDS.search(text) for text in texts)
        or any(card in header for card in _TIME_CARDS)
    )
