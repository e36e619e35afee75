"""Moments that a header's cards tell, and on which clock they were read."""

import re
from dataclasses import dataclass, replace

import numpy as np
from astropy.io import fits

from bhtom_cpcs.science.frames.clock_texts import Clock, read_clock
from bhtom_cpcs.science.frames.date_texts import DateText, read_date
from bhtom_cpcs.science.frames.header_cards import text_of
from bhtom_cpcs.science.frames.local_time import says_local, says_utc
from bhtom_cpcs.science.frames.marks import Mark, mark_of

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
    "UTMIDDLE",
    "UT-MID",
    "TIME-MID",
)
EARLIEST_MJD, LATEST_MJD = 10000.0, 100000.0  # 1886 to 2132
_JD_ZERO = 2400000.5
_SHORT_JD_ZERO = 2450000.0  # left out by some; as MJD such days are of 1861 to 1899
_SHORT_JD = (1000.0, 15000.0)
_LONGEST_TEXT = 80
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


def clock_of(header: fits.Header, card: str) -> Clock | None:
    """The time of day that a card tells, alone or behind a date."""
    text = text_of(header, card)
    return read_clock(text.partition("T")[2] or text) if text else None


def dated(header: fits.Header, card: str, times: tuple[str, ...]) -> Moment | None:
    """A date card, its time of day from itself or from one of `times`."""
    text = text_of(header, card)
    found = read_date(text) if text is not None else None
    if text is None or found is None:
        return None
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
                local, mjd=mjd, text=told, mark=mark, local=False, in_utc=True
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
    mjd = value - _JD_ZERO if value > _JD_ZERO / 2 else value
    if "MJD" not in card and _SHORT_JD[0] < value < _SHORT_JD[1]:
        mjd = value + _SHORT_JD_ZERO - _JD_ZERO
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
    )


def _step_days(value: float, decimals: int) -> float:
    """How far a count of days is open: its last digit, or that of single precision.

    Some software keeps dates in 32 bits, where an MJD has steps of 5.6 minutes.
    """
    step = float(10.0**-decimals) if decimals else 0.0
    if float(np.float32(value)) == value:
        step = max(step, float(np.spacing(np.float32(value))))
    return step
