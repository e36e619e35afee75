"""Finds the middle of the exposure in a header's many dialects."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from astropy.io import fits

from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.frames.exposure_length import (
    ExposureLength,
    exposure_length,
    n_exposures,
    stated_exposure_s,
)
from bhtom_cpcs.science.frames.header_cards import text_of
from bhtom_cpcs.science.frames.moments import (
    EARLIEST_MJD,
    LATEST_MJD,
    TIME_CARDS,
    Mark,
    Moment,
    clock_of,
    dated,
    mark_of,
    numbered,
)
from bhtom_cpcs.science.frames.stack_times import (
    END_CARDS,
    START_CARDS,
    exposure_starts,
    interval,
)
from bhtom_cpcs.science.frames.time_scales import HELIOCENTRIC, scale_of, to_utc
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.request import CameraSettings
from bhtom_cpcs.science.stop import Stop

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
_AWAY_CARDS = ("HJD", "HJD-OBS", "HJD-MID", "BJD", "BJD_TDB", "BJD-OBS")
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
    span, starts = interval(header), _starts(header, camera, moments)
    length = exposure_length(header, camera, _seconds(span, starts, header, camera))
    chosen = _surest(moments, length.total_s or 0.0)
    if chosen is None:
        raise Stop(Outcome.NO_TIME, reason=_what_was_there(header, camera))
    mjd, flags = _middle(chosen, length, span, starts)
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
    if not EARLIEST_MJD < mjd < LATEST_MJD:
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


def _starts(
    header: fits.Header, camera: CameraSettings, moments: list[Moment]
) -> tuple[float, ...]:
    """When the exposures of a stack began, where a date card confirms the list."""
    starts = exposure_starts(header, n_exposures(header))
    if not starts or scale_of(header, "DATE-OBS")[0] != "utc":
        return ()
    length_s = stated_exposure_s(header, camera) or 0.0
    allowed = 1.5 * max(length_s, _SAME_MOMENT_S) / 86400
    confirmed = any(
        starts[0] - allowed <= moment.mjd <= starts[-1] + allowed
        for moment in moments
        if not moment.rough
    )
    return starts if confirmed else ()


def _seconds(
    span: tuple[float, float] | None,
    starts: tuple[float, ...],
    header: fits.Header,
    camera: CameraSettings,
) -> float | None:
    """Time within which all exposures were made [s], as far as it is told."""
    if span is not None:
        return (span[1] - span[0]) * 86400
    stated = stated_exposure_s(header, camera)
    if not starts or stated is None:
        return None
    # what is longer than from one start to the next is the sum of all
    gap_s = 86400 * min(b - a for a, b in pairwise(starts))
    return stated if 0.98 * stated > gap_s else None


def _middle(
    chosen: Moment,
    length: ExposureLength,
    span: tuple[float, float] | None,
    starts: tuple[float, ...],
) -> tuple[float, list[FlagWord]]:
    """The middle in the header's own scale, and what is to be said of it.

    Of a stack whose exposures' starts are told it is their mean: all are equally long
    as far as the header knows.
    """
    flags = []
    if length.total_s is None:
        flags.append(FlagWord.EXPOSURE_TIME_UNKNOWN)
    stacked = length.n_exposures > 1
    listed = bool(starts) and chosen.mark != "middle"
    if listed:
        single_s = (length.total_s or 0.0) / length.n_exposures
        mjd = sum(starts) / len(starts) + 0.5 * single_s / 86400
    elif stacked and span is not None and chosen.mark != "middle":
        mjd = sum(span) / 2
    else:
        mjd = chosen.mjd + _to_middle(chosen.mark) * (length.total_s or 0.0) / 86400
        if chosen.mark is None:
            flags.append(FlagWord.DATE_OBS_TAKEN_AS_START)
    unsure = not length.sure or (stacked and span is None and not listed)
    if chosen.mark == "middle":
        unsure = False
    if unsure or chosen.ambiguous or chosen.rough:
        flags.append(FlagWord.TIME_UNCERTAIN)
    return mjd, flags


def _to_middle(mark: Mark | None) -> float:
    """Exposures from a moment to the exposure's middle."""
    return {"middle": 0.0, "end": -0.5}.get(mark or "start", 0.5)


def _moments(header: fits.Header, camera: CameraSettings) -> Iterator[Moment]:
    """Every moment the header tells, in the order of how sure the cards' meaning is."""
    times = (camera.time_keyword, *TIME_CARDS)
    groups: tuple[tuple[tuple[str, ...], Mark | None], ...] = (
        ((camera.date_keyword,) if camera.date_keyword != "DATE-OBS" else (), None),
        (_MIDDLE_CARDS, "middle"),
        (_OPEN_DATES, None),
        (START_CARDS, "start"),
        (_OPEN_NUMBERS, None),
        (END_CARDS, "end"),
        (_AWAY_CARDS, None),
    )
    for cards, mark in groups:
        for card in cards:
            found = dated(header, card, times) or numbered(header, card)
            if found is not None:
                words = mark or found.mark or mark_of(header, card)
                yield Moment(
                    found.mjd, card, found.text, words, found.rough, found.ambiguous
                )


def _surest(moments: list[Moment], exposure_s: float) -> Moment | None:
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


def _mark_by(first: Moment, marked: list[Moment], exposure_s: float) -> Mark | None:
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


def _contradicted(chosen: Moment, moments: list[Moment], allowed_s: float) -> bool:
    """Whether another exact card lies further away than the exposure explains."""
    return any(
        abs(other.mjd - chosen.mjd) * 86400 > allowed_s
        for other in moments
        if not other.rough
        and other.card in ("DATE-OBS", "MJD-OBS", "JD", "DATE-BEG", "DATE-AVG")
    )


def _other_clock(chosen: Moment, header: fits.Header, allowed_s: float) -> bool:
    """Whether a card of the time of day tells another one, on whatever day."""
    clocks = (clock_of(header, card) for card in TIME_CARDS)
    apart = (clock - chosen.mjd % 1 * 86400 for clock in clocks if clock is not None)
    return any(abs((gap + 43200) % 86400 - 43200) > allowed_s for gap in apart)


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
