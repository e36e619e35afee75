"""What a header and the kind of its numbers tell against a frame of the sky."""

import re

import numpy as np
from astropy.io import fits

from bhtom_cpcs.science.frames.done_words import without_done
from bhtom_cpcs.science.frames.header_cards import first_text, text_of
from bhtom_cpcs.science.frames.planes import Mask, Plane

_DIFFERENCE_CARDS = (
    "IMAGETYP",
    "OBSTYPE",
    "PRODTYPE",
    "PROCTYPE",
    "IMTYPE",
    "EXTNAME",
    "DIFFIMG",
    "OBJECT",
)
_DIFFERENCE = re.compile(
    r"\b(difference|subtracted|diff(im|image)?)\b|^diff(?!us|rac|ic|er)", re.IGNORECASE
)
_HOTPANTS = ("KSUM00", "CONVOL00", "DMEAN00", "DSIGE00", "DIFFCMD")
_STRETCHED = re.compile(
    r"histogramtransformation|\bstretch|asinh|\bautostf\b|screentransfer|gamma",
    re.IGNORECASE,
)
_SECTION = re.compile(r"^\[\s*(\d+)\s*:\s*(\d+)\s*,\s*(\d+)\s*:\s*(\d+)\s*\]$")
_SPECTRUM = re.compile(r"lambda|^wave|^awav|^freq|^velo|^ener|^stokes", re.I)
_MOST_BORDER = 0.5


def difference_hint(header: fits.Header) -> str | None:
    """The card that calls the frame a difference image, None without one."""
    for card in _DIFFERENCE_CARDS:
        text = text_of(header, card)
        if text is not None and _DIFFERENCE.search(without_done(text)):
            return f"its card {card} says '{text}'"
    found = next((card for card in _HOTPANTS if card in header), None)
    return None if found is None else f"it has the card {found} of a subtraction"


def spectrum_hint(header: fits.Header) -> str | None:
    """The axes' names where they are not a picture's, else None."""
    texts = [text_of(header, f"CTYPE{axis}") or "" for axis in (1, 2)]
    if any(_SPECTRUM.search(text) for text in texts):
        return " and ".join(text or "blank" for text in texts)
    return None


def is_eight_bit(plane: Plane) -> bool:
    """Whether the values are those of a picture of 256 shades."""
    if plane.bits == 8:
        return True
    top, bottom = float(plane.pixels.max()), float(plane.pixels.min())
    return plane.bits is not None and top == 255 and bottom >= 0


def is_stretched(header: fits.Header) -> bool:
    """Whether the header's history tells of a display stretch."""
    try:
        history = " ".join(str(line) for line in header.get("HISTORY", ()))
    except (fits.VerifyError, ValueError):
        return False
    return bool(_STRETCHED.search(history))


def not_calibrated(header: fits.Header, overscan: bool) -> str | None:
    """Why the frame is surely raw, None where it need not be."""
    if overscan:
        return "its overscan is still in the image"
    if (text_of(header, "FLATCORR") or "").upper() in ("PERFORM", "OMIT"):
        return "its card FLATCORR says that no flat was applied"
    # MaxIm DL and others list what was done: B(ias), D(ark), F(lat)
    done = (text_of(header, "CALSTAT") or "").upper()
    if done and set(done) <= set("BDFMO") and "F" not in done:
        return "its card CALSTAT says that no flat was applied"
    if (text_of(header, "PROCTYPE") or "").lower() == "raw":
        return "its card PROCTYPE says that it is raw"
    return None


def overscan_mask(header: fits.Header, shape: tuple[int, int]) -> Mask | None:
    """Mask of what lies outside the light's section, where overscan is in the image.

    Sections that do not lie in the image, or overlap, were written before it was
    trimmed and say nothing of it.
    """
    bias = _section(first_text(header, ("BIASSEC", "OVERSEC")), shape)
    data = _section(first_text(header, ("TRIMSEC", "DATASEC")), shape)
    if bias is None or data is None:
        return None
    light = np.zeros(shape, dtype=bool)
    light[data] = True
    if light[bias].any():
        return None
    outside: Mask = ~light
    return outside if outside.mean() < _MOST_BORDER else None


def _section(text: str | None, shape: tuple[int, int]) -> tuple[slice, slice] | None:
    """Rows and columns of a section, None where it does not lie in the image."""
    match = _SECTION.match(text) if text is not None else None
    if match is None:
        return None
    left, right, bottom, top = (int(match[group]) for group in range(1, 5))
    if not (1 <= left < right <= shape[1] and 1 <= bottom < top <= shape[0]):
        return None
    return slice(bottom - 1, top), slice(left - 1, right)
