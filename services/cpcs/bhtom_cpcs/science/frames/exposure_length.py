"""How long the light was collected, and from how many exposures a frame was made."""

import re
from dataclasses import dataclass
from typing import Final

from astropy.io import fits

from bhtom_cpcs.science.frames.exposure_texts import (
    ExposureText,
    read_exposure,
    says_nothing,
)
from bhtom_cpcs.science.frames.header_cards import (
    comment_of,
    first_number,
    number_of,
    text_of,
)
from bhtom_cpcs.science.request import CameraSettings

# Seconds in the unit of each card, where neither its text nor its comment names one.
# XPOSURE, EXPTIME and TELAPSE are the standard's (FITS 4.0, tables 35 and C.2) and
# EXPOSURE that of amateurs' programs (SBFITSEXT 1.0); EXPOINUS is written by ZWO's and
# QHY's capture programs, ITIME and TRUITIME by Keck's infrared cameras (one co-add),
# ELAPTIME by its optical ones, AEXPTIME by ZTF, DIT by ESO's infrared ones (ESO DICB
# data interface, GEN-SPE-ESO-19400-0794), O_TIME by MIDAS; the others were seen in
# files of single observatories.
_EXPOSURE_UNITS: Final = {
    "XPOSURE": 1.0,
    "EXPTIME": 1.0,
    "EXPOSURE": 1.0,
    "EXP_TIME": 1.0,
    "EXP-TIME": 1.0,
    "EXPOTIME": 1.0,
    "EXPTIM": 1.0,
    "EXPT": 1.0,
    "EXPOS": 1.0,
    "EXPO": 1.0,
    "LEXP": 1.0,
    "T_EXP": 1.0,
    "TEXP": 1.0,
    "EXPSEC": 1.0,
    "EXP_SEC": 1.0,
    "EXPOINUS": 1e-6,
    "EXPUS": 1e-6,
    "EXP_US": 1e-6,
    "EXPMS": 1e-3,
    "EXP_MS": 1e-3,
    "EXPOINMS": 1e-3,
    "EXPTIMMS": 1e-3,
    "EXPMIN": 60.0,
    "TRUITIME": 1.0,
    "ITIME": 1.0,
    "INTTIME": 1.0,
    "INT_TIME": 1.0,
    "INTEGTIM": 1.0,
    "TINT": 1.0,
    "REXPTIME": 1.0,
    "AEXPTIME": 1.0,
    "DIT": 1.0,
    "ESO DET DIT": 1.0,
    "ESO DET SEQ1 DIT": 1.0,
    "TELAPSE": 1.0,
    "ELAPTIME": 1.0,
    "DARKTIME": 1.0,
}
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
# What the camera added up or averaged before it wrote a frame.
_READ_TOGETHER = ("NDIT", "ESO DET NDIT", "COADDS", "NCOADD", "NCOADDS")
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
_PER_READ_CARDS = ("DIT", "ESO DET DIT", "ESO DET SEQ1 DIT", "ITIME", "TRUITIME")
_COUNT_TEXT = re.compile(
    r"\b(?:sum|mean|average|median|stack|combination) of (\d{1,4}) "
    r"(?:frames|images|exposures|subs)\b",
    re.IGNORECASE,
)
_LONGEST_S = 10 * 86400.0
_MOST_FRAMES = 100_000
# An exposure is no longer than from its start to its end, or twice from its middle.
_LONGEST_SHARE, _CUT_CLOCK_S = 2.1, 2.0
_FORGOTTEN_UNITS = ((1e-3, "milliseconds"), (1e-6, "microseconds"))


@dataclass(frozen=True, slots=True)
class ExposureLength:
    """Seconds of light in the frame, of how many exposures.

    `sure` is False where the header leaves open whether its exposure time is one
    exposure's or all of them, or what it means at all; `remarks` say that in words.
    """

    total_s: float | None
    n_exposures: int
    sure: bool = True
    remarks: tuple[str, ...] = ()


def exposure_length(
    header: fits.Header, camera: CameraSettings, interval_s: float | None
) -> ExposureLength:
    """Read the exposure time; of stacks the sum of their exposures.

    Parameters
    ----------
    interval_s : from the first exposure's start to the last one's end, where known
    """
    told, remarks = _stated(header, camera)
    count, total = n_exposures(header), _total(header)
    if told is None and total is None and remarks:
        return ExposureLength(None, count, False, remarks)
    if told is not None and told.count > 1 and count == told.count:
        return ExposureLength(told.seconds, count)
    stated = told.seconds if told is not None else None
    if count <= 1:
        return _of_one(stated if stated is not None else total, interval_s)
    if total is not None and total < _LONGEST_S and (stated is None or total >= stated):
        return ExposureLength(total, count)
    if stated is None:
        return ExposureLength(None, count, False)
    single = _single_s(header, count)
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


def _of_one(stated: float | None, interval_s: float | None) -> ExposureLength:
    """One exposure's time, if it fits between the header's start and end.

    Where only another unit fits, that one counts; where none does, nobody knows.
    """
    if stated is None or interval_s is None:
        return ExposureLength(stated, 1)
    if stated <= _LONGEST_SHARE * interval_s + _CUT_CLOCK_S:
        return ExposureLength(stated, 1)
    said = (
        f"The exposure time {stated:g} s is longer than the {interval_s:g} s between "
        "the start and the end that the header tells"
    )
    for unit_s, name in _FORGOTTEN_UNITS:
        seconds = stated * unit_s
        if abs(interval_s - seconds) <= max(_CUT_CLOCK_S, 0.5 * seconds):
            remark = f"{said}: it was taken as {name}. Name its unit in its comment."
            return ExposureLength(seconds, 1, False, (remark,))
    return ExposureLength(stated, 1, False, (f"{said}; one of them is wrong.",))


def stated_exposure_s(header: fits.Header, camera: CameraSettings) -> float | None:
    """Exposure time of the header [s], in the unit that the card names."""
    found = _stated(header, camera)[0]
    return None if found is None else found.seconds


def _stated(
    header: fits.Header, camera: CameraSettings
) -> tuple[ExposureText | None, tuple[str, ...]]:
    """The first exposure time that can be read, else a sentence on one that cannot."""
    remarks = []
    for card in dict.fromkeys((camera.exposure_time_keyword, *_EXPOSURE_UNITS)):
        text = text_of(header, card)
        if text is None or says_nothing(text):
            continue
        unit_s = _EXPOSURE_UNITS.get(card, 1.0)
        found = read_exposure(text, comment_of(header, card), unit_s)
        if found is not None and 0 < found.seconds < _LONGEST_S:
            return found, ()
        if (found is None and _is_positive(text)) or (found and found.seconds > 0):
            remarks.append(
                f"{card} = '{text[:40]}' is no exposure time that can be read without "
                "doubt: write seconds, or name the unit."
            )
    return None, tuple(remarks[:1])


def _is_positive(text: str) -> bool:
    """Whether a text that cannot be read holds a number at least, and none below 0."""
    return not text.startswith("-") and any(digit.isdigit() for digit in text)


def _total(header: fits.Header) -> float | None:
    """The time of all exposures together [s]."""
    for card in _TOTAL_CARDS:
        text = text_of(header, card)
        found = read_exposure(text, comment_of(header, card)) if text else None
        if found is not None and found.seconds > 0:
            return found.seconds
    return None


def _single_s(header: fits.Header, count: int) -> float | None:
    """The time of each of the exposures that were combined [s]."""
    single = first_number(header, _SINGLE_CARDS)
    if single is not None:
        return single
    per_read = first_number(header, _PER_READ_CARDS)
    reads = first_number(header, _READ_TOGETHER) or 1.0
    if per_read is None:
        return None
    # frames of several reads each may have been combined again
    return per_read if reads == count else per_read * reads


def n_exposures(header: fits.Header) -> int:
    """How many exposures the header says a frame was made of, 1 by default."""
    for card in (*_COUNT_CARDS, *_READ_TOGETHER):
        value = number_of(header, card)
        if value is not None and 1 < value <= _MOST_FRAMES and value == int(value):
            return int(value)
    match = _COUNT_TEXT.search(_object(header))
    if match and int(match[1]) > 1:
        return int(match[1])
    told = _stated(header, CameraSettings())[0]
    return 1 if told is None else told.count


def _object(header: fits.Header) -> str:
    return text_of(header, "OBJECT") or ""
