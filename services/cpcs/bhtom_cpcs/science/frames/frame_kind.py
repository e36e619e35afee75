"""Recognises darks, biases and flats by what their header says."""

import re

from astropy.io import fits

from bhtom_cpcs.science.frames.done_words import without_done
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


# An OBJECT card is a name: only one that says nothing else counts.
_NAME = r"^(master)?[ _-]*{}[ _-]*(frame|field)?[ _-]*\d*$"
_NAMED = (
    (Outcome.IS_DARK, re.compile(_NAME.format("dark"), re.IGNORECASE)),
    (Outcome.IS_BIAS, re.compile(_NAME.format("(bias|zero)"), re.IGNORECASE)),
    (
        Outcome.IS_FLAT,
        re.compile(_NAME.format("((sky|dome|twilight)[ _-]*)?flat"), re.IGNORECASE),
    ),
)


def refuse_calibration_frame(header: fits.Header) -> None:
    """Stop with `is_dark`, `is_bias` or `is_flat` when the header says so."""
    is_sky = False
    for card in _CARDS:
        text = str(header.get(card, "")).strip()
        if _SKY.search(text):
            is_sky = True
            continue
        _refuse(card, text, _KINDS)
    if not is_sky:
        _refuse("OBJECT", str(header.get("OBJECT", "")).strip(), _NAMED)


def _refuse(
    card: str, text: str, kinds: tuple[tuple[Outcome, re.Pattern[str]], ...]
) -> None:
    for outcome, pattern in kinds:
        if pattern.search(without_done(text)):
            raise Stop(outcome, reason=f"its card {card} says '{text}'")
