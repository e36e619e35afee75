"""Moments that a header's cards tell, and on which clock they were read."""

import re
from dataclasses import dataclass, replace

import numpy as np
from astropy.io import fits

from bhtom_cpcs.science.frames.clock_texts import Clock, read_clock
from bhtom_cpcs.science.frames.date_texts import DateText, read_date
from bhtom_cpcs.science.frames.header_cards import comment_of, text_of
from bhtom_cpcs.science.frames.local_time import says_local, says_utc
from bhtom_cpcs.science.frames.marks import Mark, mark_of
from bhtom_cpcs.science.frames.scale_words import Place
from bhtom_cpcs.science.frames.time_scales import known_scale

MIDDLE_CLOCKS = ("UTMIDDLE", "UT-MID", "TIME-MID")
END_CLOCKS = ("UTEND", "UT-END", "UTSTOP", "UTC-END", "TIME-END")
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
    *MIDDLE_CLOCKS,
)
EARLIEST_MJD, LATEST_MJD = 10000.0, 100000.0  # 1886 to 2132
_JD_ZERO = 2400000.5
_SHORT_JD_ZERO = 2450000.0  # left out by some; as MJD such days are of 1861 to 1899
_SHORT_JD = (1000.0, 15000.0)
_ZERO = re.compile(r"-\s?(24\d{5}(?:\.\d+)?)(?!\d)")
_MODIFIED = re.compile(r"\b(?:[BH]?M[BH]?JD|modified)\b", re.IGNORECASE)
_REDUCED = re.compile(r"\b(?:RJD|reduced)\b", re.IGNORECASE)
_LONGEST_TEXT = 80
_SCALE_BEHIND = re.compile(r"(?<=[\d.])\s*[(\[]?(TAI|TT|TDT|TDB|GPS)[)\]]?$")
_MIDNIGHT = re.compile(
    r"[T\s_]00?:00(?::00(?:[.,]0*)?)?\s?(?:Z|UTC?|GMT)?$", re.IGNORECASE
)
_MINUTE_S, _DAY_S = 60.0, 86400.0
_FINE_DECIMALS = 5  # of a day: 0.9 s


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of the exposure: in MJD, by which card, and how exact.

    `rough` where the card does not tell the second, `ambiguous` where day and month
    could be exchanged; `mark` is None where nobody says what it marks. `local` where
    the header says that the clock was not UTC's, `in_utc` where it says that it was.
    `rounding_s` is how far the card's last digit leaves the moment open.

    Read, the moment is in its card's own scale; `counting.counted` brings it to UTC and
    sets `scale`, `counted_at` (the Sun, the barycentre, or None for the telescope) and
    `doubts`, sentences on what may make it wrong. `clock_card` is that of the time of
    day where it is another one, `text_scale` the scale that the text itself names.
    """

    mjd: float
    card: str
    text: str
    mark: Mark | None
    rough: bool = False
    ambiguous: bool = False
    local: bool = False
    in_utc: bool = False
    rounding_s: float = 1.0
    has_clock: bool = False
    leap: bool = False
    clock_card: str | None = None
    text_scale: str | None = None
    scale: str = "utc"
    scale_known: bool = True
    counted_at: Place | None = None
    doubts: tuple[str, ...] = ()


def clock_of(header: fits.Header, card: str) -> Clock | None:
    """The time of day that a card tells, alone or behind a date."""
    text = text_of(header, card)
    return read_clock(text.partition("T")[2] or text) if text else None


def dated(header: fits.Header, card: str, times: tuple[str, ...]) -> Moment | None:
    """A date card, its time of day from itself or from one of `times`."""
    text = text_of(header, card)
    if text is None or len(text) > _LONGEST_TEXT:
        return None
    behind = _SCALE_BEHIND.search(text)
    found = read_date(text[: behind.start()] if behind else text)
    if found is None:
        return None
    named = known_scale(behind[1]) if behind else ("utc" if found.in_utc else None)
    if found.has_clock:
        in_utc = found.in_utc or says_utc(header, card)
        local = not found.in_utc and says_local(header, card)
        moment = Moment(
            mjd=found.mjd,
            card=card,
            text=text,
            mark=None,
            ambiguous=found.ambiguous,
            local=local,
            in_utc=in_utc and not local,
            rounding_s=found.rounding_s,
            has_clock=True,
            leap=found.leap,
            text_scale=named,
        )
        if local:
            return _in_utc(moment, header)
        return _by_clock_beside(moment, found, header, times)
    # a clock that is not local counts before one that is
    for time_card in sorted(times, key=lambda name: says_local(header, name)):
        clock = clock_of(header, time_card)
        if clock is None:
            continue
        in_utc = clock.in_utc or says_utc(header, time_card)
        by_date = says_local(header, card) and not in_utc
        local = not clock.in_utc and (says_local(header, time_card) or by_date)
        return Moment(
            mjd=found.mjd + clock.seconds / 86400,
            card=card,
            text=f"{text} {text_of(header, time_card)}",
            mark=mark_of(header, time_card),
            ambiguous=found.ambiguous,
            local=local,
            in_utc=in_utc and not local,
            rounding_s=clock.rounding_s,
            has_clock=True,
            leap=clock.leap,
            clock_card=time_card,
            text_scale="utc" if clock.in_utc else named,
        )
    return None


def _by_clock_beside(
    told: Moment, found: DateText, header: fits.Header, times: tuple[str, ...]
) -> Moment:
    """A date with a clock, its seconds from a card of the time of day alone.

    Midnight beside another time of day is a date only; one to the minute is as exact
    as the other clock, where that tells the same minute.
    """
    if "END" in told.card:
        return told  # the cards of the time of day alone are the beginning's
    for card in times:
        clock = clock_of(header, card) if card != told.card else None
        if clock is None or (says_local(header, card) and not clock.in_utc):
            continue
        mjd = int(told.mjd) + clock.seconds / _DAY_S
        if _MIDNIGHT.search(told.text):
            # the last minute of a day confirms the midnight after it
            better = 0 < clock.seconds < _DAY_S - _MINUTE_S
        else:
            mjd += round(told.mjd - mjd)
            ahead_s, step_s = (mjd - told.mjd) * _DAY_S, found.rounding_s
            finer = clock.rounding_s < _MINUTE_S <= step_s
            better = finer and -step_s / 2 <= ahead_s < step_s
        if not better:
            return told
        return replace(
            told,
            mjd=mjd,
            text=f"{told.text} {text_of(header, card)}",
            mark=mark_of(header, card),
            in_utc=told.in_utc or clock.in_utc or says_utc(header, card),
            rounding_s=clock.rounding_s,
            leap=clock.leap,
            clock_card=card,
            text_scale="utc" if clock.in_utc else told.text_scale,
        )
    return told


def _in_utc(local: Moment, header: fits.Header) -> Moment:
    """A moment in local time as the header's clock of UTC has it, if there is one."""
    for card in TIME_CARDS:
        clock = clock_of(header, card) if card.startswith("UT") else None
        if clock is not None and not says_local(header, card):
            mjd = int(local.mjd) + clock.seconds / 86400
            mjd += round(local.mjd - mjd)  # the day on which both are nearest
            told = f"{local.text} local, {text_of(header, card)} UTC"
            mark = mark_of(header, card)
            return replace(
                local,
                mjd=mjd,
                text=told,
                mark=mark,
                local=False,
                in_utc=True,
                leap=clock.leap,
                clock_card=card,
            )
    return local


def numbered(header: fits.Header, card: str) -> Moment | None:
    """A card that counts days, from the zero of MJD, of JD or of JD - 2450000."""
    text = text_of(header, card)
    if text is not None and len(text) > _LONGEST_TEXT:
        return None
    try:
        value = float(text.replace(",", ".")) if text is not None else None
    except ValueError:
        return None
    if text is None or value is None:
        return None
    mjd, doubts = _days(value, card, comment_of(header, card))
    if not EARLIEST_MJD < mjd < LATEST_MJD:
        return None
    digits, power, _ = text.lower().replace(",", ".").partition("e")
    decimals = len(digits.partition(".")[2])
    local = says_local(header, card)
    return Moment(
        mjd=mjd,
        card=card,
        text=text,
        mark=None,
        rough=decimals < _FINE_DECIMALS and not power,
        local=local,
        in_utc=not local and says_utc(header, card),
        rounding_s=86400 * _step_days(value, 0 if power else decimals),
        doubts=tuple(f"{card} = {text[:40]}: {doubt}." for doubt in doubts),
    )


def _days(value: float, card: str, comment: str) -> tuple[float, list[str]]:
    """MJD of a count of days, from the zero that its comment or its size tells."""
    if value > _JD_ZERO / 2:
        return value - _JD_ZERO, []
    told = _ZERO.search(comment)
    if told is not None:
        mjd = value + float(told[1]) - _JD_ZERO
        own = abs(mjd - value) < 1e-6 or "MJD" not in card
        return mjd, [] if own else [f"its name says MJD and its comment JD - {told[1]}"]
    if "MJD" in card:
        return value, []
    if _SHORT_JD[0] < value < _SHORT_JD[1]:
        return value + _SHORT_JD_ZERO - _JD_ZERO, []
    if _MODIFIED.search(comment):
        return value, []
    if _REDUCED.search(comment):
        return value - 0.5, []
    if "JD" in card and EARLIEST_MJD < value < LATEST_MJD:
        return value, [
            "it was taken as MJD, but a Julian date without its 2400000 would be "
            "half a day earlier"
        ]
    return value, []


def _step_days(value: float, decimals: int) -> float:
    """How far a count of days is open: its last digit, or that of single precision.

    Some software keeps dates in 32 bits, where an MJD has steps of 5.6 minutes.
    """
    step = float(10.0**-decimals) if decimals else 0.0
    if float(np.float32(value)) == value:
        step = max(step, float(np.spacing(np.float32(value))))
    return step
