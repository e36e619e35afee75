"""Moments that a header's cards tell, and what their comments say they mark."""

import re
from dataclasses import dataclass, replace
from typing import Literal

from astropy.io import fits

from bhtom_cpcs.science.frames.date_texts import read_clock, read_date
from bhtom_cpcs.science.frames.header_cards import comment_of, text_of

Mark = Literal["start", "middle", "end"]

TIME_CARDS = (
    "TIME-OBS",
    "TIME_OBS",
    "UT",
    "UTSTART",
    "UTC-OBS",
    "UTC",
    "UT-OBS",
    "UTIME",
    "UT-START",
    "TIME-BEG",
    "TIMEOBS",
    "TTIMEOBS",
)
_WORDS: tuple[tuple[Mark, re.Pattern[str]], ...] = (
    ("middle", re.compile(r"\bmid(?!night)", re.IGNORECASE)),
    ("start", re.compile(r"\b(start|begin|open)", re.IGNORECASE)),
    ("end", re.compile(r"\b(end|finish|stop|clos)", re.IGNORECASE)),
)
_LOCAL = re.compile(r"^(?!.*\bUTC?\b).*\blocal\b", re.IGNORECASE)
EARLIEST_MJD, LATEST_MJD = 10000.0, 100000.0  # 1886 to 2132
_JD_ZERO = 2400000.5
_FINE_DECIMALS = 5  # of a day: 0.9 s


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of the exposure: in MJD, by which card, and how exact.

    `rough` where the card does not tell the second, `ambiguous` where day and month
    could be exchanged; `mark` is None where nobody says what it marks.
    """

    mjd: float
    card: str
    text: str
    mark: Mark | None
    rough: bool = False
    ambiguous: bool = False


def mark_of(header: fits.Header, card: str) -> Mark | None:
    """What the card's comment says it marks."""
    comment = comment_of(header, card)
    return next((mark for mark, word in _WORDS if word.search(comment)), None)


def clock_of(header: fits.Header, card: str) -> float | None:
    """Seconds of the day that a card tells, alone or behind a date."""
    text = text_of(header, card)
    return read_clock(text.partition("T")[2] or text) if text else None


def dated(header: fits.Header, card: str, times: tuple[str, ...]) -> Moment | None:
    """A date card, its time of day from itself or from one of `times`."""
    text = text_of(header, card)
    found = read_date(text) if text is not None else None
    if text is None or found is None:
        return None
    if found.has_clock:
        moment = Moment(found.mjd, card, text, None, False, found.ambiguous)
        is_local = _LOCAL.search(comment_of(header, card)) is not None
        return _in_utc(moment, header) if is_local else moment
    for time_card in times:
        seconds = clock_of(header, time_card)
        if seconds is not None:
            mark = mark_of(header, time_card)
            mjd = found.mjd + seconds / 86400
            told = f"{text} {text_of(header, time_card)}"
            return Moment(mjd, card, told, mark, False, found.ambiguous)
    return None


def _in_utc(local: Moment, header: fits.Header) -> Moment:
    """A moment in local time as the header's clock of UTC has it; else uncertain."""
    for card in TIME_CARDS:
        seconds = clock_of(header, card) if card.startswith("UT") else None
        if seconds is not None:
            mjd = int(local.mjd) + seconds / 86400
            mjd += round(local.mjd - mjd)  # the day on which both are nearest
            told = f"{local.text} local, {text_of(header, card)} UTC"
            return replace(local, mjd=mjd, text=told, mark=mark_of(header, card))
    return replace(local, ambiguous=True)


def numbered(header: fits.Header, card: str) -> Moment | None:
    """A card that counts days, from the zero of MJD or of JD."""
    text = text_of(header, card)
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    if text is None or value is None:
        return None
    mjd = value - _JD_ZERO if value > _JD_ZERO / 2 else value
    if not EARLIEST_MJD < mjd < LATEST_MJD:
        return None
    decimals = len(text.lower().partition("e")[0].partition(".")[2])
    rough = decimals < _FINE_DECIMALS and "e" not in text.lower()
    return Moment(mjd, card, text, None, rough)
