"""How long the light was collected, and from how many exposures a frame was made."""

import re
from dataclasses import dataclass

from astropy.io import fits

from bhtom_cpcs.science.frames.header_cards import (
    comment_of,
    first_number,
    number_of,
    text_of,
)
from bhtom_cpcs.science.request import CameraSettings

_EXPOSURE_CARDS = (
    "XPOSURE",
    "EXPTIME",
    "EXPOSURE",
    "EXP_TIME",
    "EXPOTIME",
    "ITIME",
    "INTTIME",
    "REXPTIME",
    "TELAPSE",
    "DARKTIME",
)
_COUNT_CARDS = (
    "NCOMBINE",
    "STACKCNT",
    "NIMAGES",
    "SNAPSHOT",
    "NSTACK",
    "NCOMB",
    "N_STACK",
    "NUMSTACK",
    "NCOADD",
    "NCOADDS",
    "COADDS",
    "NFRAMES",
)
_TOTAL_CARDS = (
    "TOTALEXP",
    "LIVETIME",
    "TOTEXP",
    "EXPTOT",
    "TOTEXPT",
    "TEXPTIME",
    "SUMEXP",
)
_SINGLE_CARDS = ("SUBEXP", "SUBEXPT", "EXPSUB", "SINGLEXP")
_COUNT_TEXT = re.compile(
    r"\b(?:sum|mean|average|median|stack|combination) of (\d{1,4}) "
    r"(?:frames|images|exposures|subs)\b",
    re.IGNORECASE,
)
_UNITS = (
    (re.compile(r"\bsec(ond)?s?\b|[(\[]s[)\]]", re.IGNORECASE), 1.0),
    (re.compile(r"\bmin(ute)?s?\b|\bmn\b|\[m\]", re.IGNORECASE), 60.0),
    (re.compile(r"\bhours?\b|\[hr?s?\]", re.IGNORECASE), 3600.0),
    (re.compile(r"\bms(ec)?\b|\bmilli-?s", re.IGNORECASE), 1e-3),
    (re.compile(r"\bus(ec)?\b|\bmicro-?s", re.IGNORECASE), 1e-6),
)
_OWN_UNIT = re.compile(r"^[\d.,]+(?:[eE][-+]?\d+)?\s*([a-zA-Z]+)\.?$")
# "(min 0.1 s)" tells what the camera can do, and no unit
_BOUND = re.compile(
    r"\b(?:min|max)(?:imum)?\b[\s.:=<>]{0,4}\d[\d.,]*\s?[a-z]*", re.IGNORECASE
)
_DECIMAL_COMMA = re.compile(r"^(\d+),(\d+)\s*[a-zA-Z]*\.?$")
_LONGEST_S = 10 * 86400.0
_MOST_FRAMES = 100_000


@dataclass(frozen=True, slots=True)
class ExposureLength:
    """Seconds of light in the frame, of how many exposures.

    `sure` is False where the header leaves open whether its exposure time is one
    exposure's or all of them.
    """

    total_s: float | None
    n_exposures: int
    sure: bool = True


def exposure_length(
    header: fits.Header, camera: CameraSettings, interval_s: float | None
) -> ExposureLength:
    """Read the exposure time; of stacks the sum of their exposures.

    Parameters
    ----------
    interval_s : from the first exposure's start to the last one's end, where known
    """
    stated = stated_exposure_s(header, camera)
    count = n_exposures(header)
    total = first_number(header, _TOTAL_CARDS)
    if count <= 1:
        return ExposureLength(stated if stated is not None else total, 1)
    if total is not None and total < _LONGEST_S and (stated is None or total >= stated):
        return ExposureLength(total, count)
    if stated is None:
        return ExposureLength(None, count, False)
    single = first_number(header, _SINGLE_CARDS)
    if single is not None:
        return ExposureLength(max(stated, single * count), count)
    if interval_s is not None:
        if 0.98 * count * stated <= interval_s:
            return ExposureLength(count * stated, count)
        if 0.98 * stated <= interval_s:
            return ExposureLength(stated, count)
    # MIDAS and IRAF sum an exposure time with the frames, live stacks do not
    summed = _COUNT_TEXT.search(_object(header)) is not None
    return ExposureLength(stated if summed else count * stated, count, False)


def stated_exposure_s(header: fits.Header, camera: CameraSettings) -> float | None:
    """Exposure time of the header [s], in the unit that the card names."""
    for card in (camera.exposure_time_keyword, *_EXPOSURE_CARDS):
        value = _with_comma(header, card) or number_of(header, card)
        if value is None or value <= 0:
            continue
        value *= _unit_s(header, card)
        if value < _LONGEST_S:
            return value
    return None


def _unit_s(header: fits.Header, card: str) -> float:
    """Seconds in the unit that a card's text names (`1 min`), else its comment."""
    own = _OWN_UNIT.match(text_of(header, card) or "")
    if own is not None:
        told = f"[{own[1]}]"
    else:
        told = _BOUND.sub("", comment_of(header, card))
    return next((seconds for unit, seconds in _UNITS if unit.search(told)), 1.0)


def _with_comma(header: fits.Header, card: str) -> float | None:
    """A number whose decimals begin with a comma (`60,5 s`)."""
    match = _DECIMAL_COMMA.match(text_of(header, card) or "")
    return float(f"{match[1]}.{match[2]}") if match else None


def n_exposures(header: fits.Header) -> int:
    """How many exposures the header says a frame was made of, 1 by default."""
    for card in _COUNT_CARDS:
        value = number_of(header, card)
        if value is not None and 1 < value <= _MOST_FRAMES and value == int(value):
            return int(value)
    match = _COUNT_TEXT.search(_object(header))
    return int(match[1]) if match and int(match[1]) > 1 else 1


def _object(header: fits.Header) -> str:
    return text_of(header, "OBJECT") or ""
