"""Images with more than two axes: three colours, or exposures one after another."""

import re
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from bhtom_cpcs.science.frames.header_cards import comment_of, text_of

Told = Literal["colours", "exposures", "mosaics"]

_COLOUR_WORDS = re.compile(r"\brgb|colou?r|\bosc\b", re.IGNORECASE)
_TIME_WORDS = re.compile(
    r"\b(time|utc|mjd|jd|frames?|exposures?|reads?|ramp|slices?|sec|seconds?)\b",
    re.IGNORECASE,
)
_TIME_UNITS = ("s", "d", "day", "min", "h")
_AXIS_CARDS = ("CTYPE3", "CNAME3")
_COLOUR_CARDS = ("COLORTYP", "COLORSPC", "COLORSPACE", "EXTNAME", "IMAGETYP")
_TIME_CARDS = ("KINCYCLE", "NUMKIN", "SLDATE01", "DATE-OB1", "NDITS")
# A card of each image's own: DATE-OBS1 or DATE1, MJD-OB02, UTSTART3, EXPTIME1
_OF_EACH = re.compile(r"^((?:DATE|TIME|MJD|JD|UT|EXPT|EXPO)[A-Z_-]*)0*([123])$")
_FILTER_CARDS = ("FILTER", "FILTERS", "FILT", "FILTNAME")
_PATTERN_CARDS = ("BAYERPAT", "BAYRPAT")


def squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without leading axes of length one."""
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape


def told_by_cards(header: fits.Header, shape: tuple[int, ...]) -> Told | None:
    """What the cards tell of an array of several images; None where they are silent.

    The words for the third axis count before those for the whole, dates of each image
    before a filter's name. Three values a pixel is how pictures are written. A colour
    pattern tells that a colour camera made them, in one exposure or in three
    (`mosaics`): the pixels show which. Four images are colours and transparency only
    where the header says so, any other number is of exposures.
    """
    shape = squeezed(shape)
    if len(shape) != 3:
        return "exposures"
    last = _colours_last(shape)
    if not last and shape[0] not in (3, 4):
        return "exposures"
    told = _by_axis(header) or _by_whole(header)
    if told is None and last:
        return "colours"
    if not last and shape[0] == 4 and told != "colours":
        return "exposures"
    return told


def _by_axis(header: fits.Header) -> Told | None:
    axis = " ".join(text_of(header, card) or "" for card in _AXIS_CARDS)
    if _COLOUR_WORDS.search(axis):
        return "colours"
    if (text_of(header, "CUNIT3") or "").lower() in _TIME_UNITS:
        return "exposures"
    axis += " " + comment_of(header, "NAXIS3")
    return "exposures" if _TIME_WORDS.search(axis) else None


def _by_whole(header: fits.Header) -> Told | None:
    if any(_COLOUR_WORDS.search(text_of(header, c) or "") for c in _COLOUR_CARDS):
        return "colours"
    if any(card in header for card in _TIME_CARDS) or _has_cards_of_each(header):
        return "exposures"
    if any(_COLOUR_WORDS.search(text_of(header, c) or "") for c in _FILTER_CARDS):
        return "colours"
    return "mosaics" if any(text_of(header, c) for c in _PATTERN_CARDS) else None


def _has_cards_of_each(header: fits.Header) -> bool:
    """Whether two images at least have dates or exposure times of their own."""
    seen: dict[str, set[str]] = {}
    for card in header:
        if match := _OF_EACH.match(card):
            seen.setdefault(match[1], set()).add(match[2])
    return any(len(numbers) > 1 for numbers in seen.values())


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
