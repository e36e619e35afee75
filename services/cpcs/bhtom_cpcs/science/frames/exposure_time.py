"""Finds the middle of the exposure in a header's many dialects."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from astropy.io import fits

from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.frames.date_texts import read_clock, read_date
from bhtom_cpcs.science.frames.exposure_length import ExposureLength, exposure_length
from bhtom_cpcs.science.frames.header_cards import comment_of, text_of
from bhtom_cpcs.science.frames.time_scales import HELIOCENTRIC, scale_of, to_utc
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.request import CameraSettings
from bhtom_cpcs.science.stop import Stop

Mark = Literal["start", "middle", "end"]

_TIME_CARDS = (
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
# Cards whose name says what they mark come first.
_MIDDLE_CARDS = (
    "DATE-AVG",
    "DATE-MID",
    "MIDPOINT",
    "MJD-AVG",
    "MJD-MID",
    "MJDMID",
    "MID-MJD",
    "EXPMID",
    "JD-MID",
    "JDMID",
    "JD-AVG",
    "MIDJD",
)
_OPEN_DATES = ("DATE-OBS", "DATE_OBS", "DATEOBS", "OBS-DATE", "DATE-STA", "DATESTRT")
_OPEN_NUMBERS = (
    "MJD-OBS",
    "MJD_OBS",
    "MJD",
    "MJDATE",
    "OBSMJD",
    "MJD_UTC",
    "JD",
    "JD-OBS",
    "JD_UTC",
    "JD_OBS",
    "OBSJD",
    "JULIAN",
)
_START_CARDS = ("DATE-BEG", "MJD-BEG", "EXPSTART", "TEXPSTRT")
_END_CARDS = ("DATE-END", "MJD-END", "EXPEND", "TEXPEND", "MJDEND")
_AWAY_CARDS = ("HJD", "HJD-OBS", "HJD-MID", "BJD", "BJD_TDB", "BJD-OBS")
_WORDS: tuple[tuple[Mark, re.Pattern[str]], ...] = (
    ("middle", re.compile(r"\bmid", re.IGNORECASE)),
    ("start", re.compile(r"\b(start|begin|open)", re.IGNORECASE)),
    ("end", re.compile(r"\b(end|finish|stop|clos)", re.IGNORECASE)),
)
_LOCAL = re.compile(r"^(?!.*\bUTC?\b).*\blocal\b", re.IGNORECASE)
_EARLIEST_MJD, _LATEST_MJD = 10000.0, 100000.0  # 1886 to 2132
_JD_ZERO = 2400000.5
_FINE_DECIMALS = 5  # of a day: 0.9 s
_SAME_MOMENT_S, _CLOCK_S = 60.0, 1.0


@dataclass(frozen=True, slots=True)
class ExposureTime:
    """The exposure as the header tells it, its middle in MJD (UTC).

    `light_time` is the scale of a moment that is still counted at the Sun (`hjd`) or
    the barycentre (`bjd`), because the header has no other; else None.
    """

    mid_mjd_utc: float
    exposure_s: float
    as_reported: str
    card: str
    scale: str
    flags: tuple[FlagWord, ...]
    n_exposures: int = 1
    light_time: str | None = None


@dataclass(frozen=True, slots=True)
class _Moment:
    mjd: float
    card: str
    text: str
    mark: Mark | None
    rough: bool = False
    ambiguous: bool = False


def exposure_time(header: fits.Header, camera: CameraSettings) -> ExposureTime:
    """Read the exposure's middle and length.

    The camera's own keywords come first, then cards whose name or comment says what
    they mark. A date without any word on that counts as the start and is flagged
    `date_obs_taken_as_start`. Of stacks the middle between first start and last end
    is taken where the header knows both, else `time_uncertain` is flagged.

    Raises
    ------
    Stop
        `no_time` when no card gives a date with a time.
    """
    moments = list(_moments(header, camera))
    interval = _interval(header)
    interval_s = None if interval is None else (interval[1] - interval[0]) * 86400
    length = exposure_length(header, camera, interval_s)
    chosen = _surest(moments, length.total_s or 0.0)
    if chosen is None:
        raise Stop(Outcome.NO_TIME, reason=_what_was_there(header, camera))
    mjd, flags = _middle(chosen, length, interval)
    allowed_s = max(length.total_s or 0.0, _SAME_MOMENT_S) * 1.5
    if _contradicted(chosen, moments, allowed_s) or _other_clock(
        chosen, header, allowed_s
    ):
        flags.append(FlagWord.TIME_CARDS_DISAGREE)
    scale, known = scale_of(header, chosen.card)
    if not known:
        flags.append(FlagWord.TIME_SCALE_UNKNOWN)
    if scale != "utc":
        flags.append(FlagWord.TIME_CONVERTED)
    mjd = to_utc(mjd, scale)
    if not _EARLIEST_MJD < mjd < _LATEST_MJD:
        raise Stop(
            Outcome.NO_TIME,
            reason=f"{chosen.card} = '{chosen.text}' is no date of our time",
        )
    return ExposureTime(
        mid_mjd_utc=mjd,
        exposure_s=length.total_s or 0.0,
        as_reported=chosen.text,
        card=chosen.card,
        scale=scale.upper(),
        flags=tuple(dict.fromkeys(flags)),
        n_exposures=length.n_exposures,
        light_time=scale if scale in HELIOCENTRIC else None,
    )


def _middle(
    chosen: _Moment, length: ExposureLength, interval: tuple[float, float] | None
) -> tuple[float, list[FlagWord]]:
    """The middle in the header's own scale, and what is to be said of it."""
    flags = []
    if length.total_s is None:
        flags.append(FlagWord.EXPOSURE_TIME_UNKNOWN)
    stacked = length.n_exposures > 1
    if stacked and interval is not None and chosen.mark != "middle":
        mjd = sum(interval) / 2
    else:
        mjd = chosen.mjd + _to_middle(chosen.mark) * (length.total_s or 0.0) / 86400
        if chosen.mark is None:
            flags.append(FlagWord.DATE_OBS_TAKEN_AS_START)
    unsure = not length.sure or (stacked and interval is None)
    if chosen.mark == "middle":
        unsure = False
    if unsure or chosen.ambiguous or chosen.rough:
        flags.append(FlagWord.TIME_UNCERTAIN)
    return mjd, flags


def _to_middle(mark: Mark | None) -> float:
    """Exposures from a moment to the exposure's middle."""
    return {"middle": 0.0, "end": -0.5}.get(mark or "start", 0.5)


def _moments(header: fits.Header, camera: CameraSettings) -> Iterator[_Moment]:
    """Every moment the header tells, in the order of how sure the cards' meaning is."""
    times = (camera.time_keyword, *_TIME_CARDS)
    groups: tuple[tuple[tuple[str, ...], Mark | None], ...] = (
        ((camera.date_keyword,) if camera.date_keyword != "DATE-OBS" else (), None),
        (_MIDDLE_CARDS, "middle"),
        (_OPEN_DATES, None),
        (_START_CARDS, "start"),
        (_OPEN_NUMBERS, None),
        (_END_CARDS, "end"),
        (_AWAY_CARDS, None),
    )
    for cards, mark in groups:
        for card in cards:
            found = _dated(header, card, times) or _numbered(header, card)
            if found is not None:
                words = mark or found.mark or _mark_of(header, card)
                yield _Moment(
                    found.mjd, card, found.text, words, found.rough, found.ambiguous
                )


def _surest(moments: list[_Moment], exposure_s: float) -> _Moment | None:
    """The first exact moment, with its mark where the others give it away."""
    exact = [moment for moment in moments if not moment.rough]
    if not exact:
        return moments[0] if moments else None
    first = exact[0]
    if first.mark is not None:
        return first
    marked = [
        other for other in exact[1:] if other.mark and other.card not in _AWAY_CARDS
    ]
    return replace(first, mark=_mark_by(first, marked, exposure_s))


def _mark_by(first: _Moment, marked: list[_Moment], exposure_s: float) -> Mark | None:
    """What a moment must mark for another card, whose mark is known, to be true."""
    tolerance_s = _CLOCK_S + 0.02 * exposure_s
    marks: tuple[Mark, ...] = ("start", "middle", "end")
    for other in marked:
        apart_s = (other.mjd - first.mjd) * 86400
        if abs(apart_s) < _CLOCK_S:
            return other.mark
        for mark in marks:
            expected_s = (_to_middle(mark) - _to_middle(other.mark)) * exposure_s
            if abs(apart_s - expected_s) < tolerance_s < exposure_s / 6:
                return mark
    return None


def _contradicted(chosen: _Moment, moments: list[_Moment], allowed_s: float) -> bool:
    """Whether another exact card lies further away than the exposure explains."""
    return any(
        abs(other.mjd - chosen.mjd) * 86400 > allowed_s
        for other in moments
        if not other.rough
        and other.card in ("DATE-OBS", "MJD-OBS", "JD", "DATE-BEG", "DATE-AVG")
    )


def _other_clock(chosen: _Moment, header: fits.Header, allowed_s: float) -> bool:
    """Whether a card of the time of day tells another one, on whatever day."""
    clocks = (_clock(header, card) for card in _TIME_CARDS)
    apart = (clock - chosen.mjd % 1 * 86400 for clock in clocks if clock is not None)
    return any(abs((gap + 43200) % 86400 - 43200) > allowed_s for gap in apart)


def _clock(header: fits.Header, card: str) -> float | None:
    """Seconds of the day that a card tells, alone or behind a date."""
    text = text_of(header, card)
    return read_clock(text.partition("T")[2] or text) if text else None


def _interval(header: fits.Header) -> tuple[float, float] | None:
    """First start and last end, where the header tells both."""
    starts = [
        found.mjd
        for card in (*_START_CARDS, "DATE-OBS", "MJD-OBS")
        if (found := _dated(header, card, _TIME_CARDS) or _numbered(header, card))
    ]
    ends = [
        found.mjd
        for card in _END_CARDS
        if (found := _dated(header, card, ()) or _numbered(header, card))
    ]
    if not starts or not ends:
        return None
    longest = 30.0  # days: what is further apart belongs to different things
    return (starts[0], ends[0]) if 0 < ends[0] - starts[0] < longest else None


def _mark_of(header: fits.Header, card: str) -> Mark | None:
    """What the card's comment says it marks."""
    comment = comment_of(header, card)
    return next((mark for mark, word in _WORDS if word.search(comment)), None)


def _dated(header: fits.Header, card: str, times: tuple[str, ...]) -> _Moment | None:
    """A date card, its time of day from itself or from one of `times`."""
    text = text_of(header, card)
    found = read_date(text) if text is not None else None
    if text is None or found is None:
        return None
    if found.has_clock:
        moment = _Moment(found.mjd, card, text, None, False, found.ambiguous)
        is_local = _LOCAL.search(comment_of(header, card)) is not None
        return _in_utc(moment, header) if is_local else moment
    for time_card in times:
        seconds = _clock(header, time_card)
        if seconds is not None:
            mark = _mark_of(header, time_card)
            mjd = found.mjd + seconds / 86400
            told = f"{text} {text_of(header, time_card)}"
            return _Moment(mjd, card, told, mark, False, found.ambiguous)
    return None


def _in_utc(local: _Moment, header: fits.Header) -> _Moment:
    """A moment in local time as the header's clock of UTC has it; else uncertain."""
    for card in _TIME_CARDS:
        seconds = _clock(header, card) if card.startswith("UT") else None
        if seconds is not None:
            mjd = int(local.mjd) + seconds / 86400
            mjd += round(local.mjd - mjd)  # the day on which both are nearest
            told = f"{local.text} local, {text_of(header, card)} UTC"
            return replace(local, mjd=mjd, text=told, mark=_mark_of(header, card))
    return replace(local, ambiguous=True)


def _numbered(header: fits.Header, card: str) -> _Moment | None:
    """A card that counts days, from the zero of MJD or of JD."""
    text = text_of(header, card)
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    if text is None or value is None:
        return None
    mjd = value - _JD_ZERO if value > _JD_ZERO / 2 else value
    if not _EARLIEST_MJD < mjd < _LATEST_MJD:
        return None
    decimals = len(text.lower().partition("e")[0].partition(".")[2])
    rough = decimals < _FINE_DECIMALS and "e" not in text.lower()
    return _Moment(mjd, card, text, None, rough)


def _what_was_there(header: fits.Header, camera: CameraSettings) -> str:
    """Name the date cards that were looked at and what they held."""
    found = [
        f"{card} = '{text}'"
        for card in dict.fromkeys(
            (camera.date_keyword, camera.time_keyword, "DATE-OBS", "MJD-OBS", "JD")
        )
        if (text := text_of(header, card)) is not None
    ]
    if found:
        return "found only " + ", ".join(found)
    return f"no {camera.date_keyword}, MJD-OBS or JD card"
