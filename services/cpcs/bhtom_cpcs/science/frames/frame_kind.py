"""Recognises darks, biases and flats by what their header says."""

import re

from astropy.io import fits

from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop

_CARDS = (
    "IMAGETYP",
    "IMAGETYPE",
    "OBSTYPE",
    "FRAME",
    "EXPTYPE",
    "FRAMETYP",
    "PICTTYPE",
)
# "Light Frame (dark and flat corrected)" is a frame of the sky.
_SKY = re.compile(r"light|object|science|sky$", re.IGNORECASE)
_KINDS = (
    (Outcome.IS_DARK, re.compile(r"\bdark\b|^dark", re.IGNORECASE)),
    (Outcome.IS_BIAS, re.compile(r"\b(bias|zero)\b|^bias|^zero", re.IGNORECASE)),
    (
        Outcome.IS_FLAT,
        re.compile(r"\bflat\b|flat$|^(sky|dome)?[ _-]?flat", re.IGNORECASE),
    ),
)


def refuse_calibration_frame(header: fits.Header) -> None:
    """Stop with `is_dark`, `is_bias` or `is_flat` when the header says so."""
    for card in _CARDS:
        text = str(header.get(card, "")).strip()
        if _SKY.search(text):
            continue
        for outcome, pattern in _KINDS:
            if pattern.search(text):
                raise Stop(outcome, reason=f"its card {card} says '{text}'")
