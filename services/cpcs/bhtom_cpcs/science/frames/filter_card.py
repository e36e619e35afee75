"""The text by which a header names the filter."""

import re

from astropy.io import fits

from bhtom_cpcs.science.frames.header_cards import text_of
from bhtom_cpcs.science.request import CameraSettings

_CARDS = (
    "FILTER",
    "FILTERS",
    "FILT",
    "FILTNAME",
    "FILTER1",
    "FILTER2",
    "FILTER3",
    "FILTNAM1",
    "FILTNAM2",
    "FILTERID",
    "INSFILTE",
    "ESO INS FILT1 NAME",
)
# One of several wheels stands open; then the other one's text is the filter.
_OPEN = re.compile(r"^(air|open|empty|none|hole|blank)\W*$", re.IGNORECASE)
_PATTERN = re.compile(r"^(RGGB|BGGR|GRBG|GBRG)$", re.IGNORECASE)


def filter_card(header: fits.Header, camera: CameraSettings) -> str | None:
    """The filter's text: the camera's card, else the usual ones; None without any.

    An open place of a filter wheel is passed over while another card names a filter;
    a colour camera's pattern is none.
    """
    texts = [
        text
        for card in dict.fromkeys((camera.filter_keyword, *_CARDS))
        if (text := text_of(header, card)) is not None and not _PATTERN.match(text)
    ]
    return next((text for text in texts if not _OPEN.match(text)), None) or next(
        iter(texts), None
    )
