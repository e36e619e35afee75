"""Finds the middle of the exposure in a header's many dialects."""

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
from bhtom_cpcs.science.frames.moments import EARLIEST_MJD, LATEST_MJD, Moment
from bhtom_cpcs.science.frames.stack_times import exposure_starts, interval
from bhtom_cpcs.science.frames.time_agreement import (
    Contradiction,
    belief,
    contradictions,
)
from bhtom_cpcs.science.frames.time_scales import system_of
from bhtom_cpcs.science.frames.told_moments import surest, to_middle, told_moments
from bhtom_cpcs.science.frames.vantage import Vantage
from bhtom_cpcs.science.frames.zone_choice import copies_marked, suspicion, zone_choice
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.request import CameraSettings
from bhtom_cpcs.science.stop import Stop

_SAME_MOMENT_S = 60.0
_LONGEST_SINGLE_S = 3 * 3600.0  # what is longer has an end that tells the day alone


@dataclass(frozen=True, slots=True)
class ExposureTime:
    """The exposure as the header tells it, its middle in MJD (UTC).

    `light_time` tells where a moment is still counted, at the Sun (`hjd`) or the
    barycentre (`bjd`), because the header has no other; else None. `remarks` are
    sentences on what was decided about local time, scales and cards that disagree.
    """

    mid_mjd_utc: float
    exposure_s: float
    as_reported: str
    card: str
    scale: str
    flags: tuple[FlagWord, ...]
    n_exposures: int = 1
    light_time: str | None = None
    remarks: tuple[str, ...] = ()


def exposure_time(
    header: fits.Header, camera: CameraSettings, vantage: Vantage | None = None
) -> ExposureTime:
    """Read the exposure's middle and length.

    The camera's own keywords come first, then cards whose name or comment says what
    they mark. A date without any word on that counts as the start and is flagged
    `date_obs_taken_as_start`. Of stacks the middle between first start and last end
    is taken where the header knows both, else `time_uncertain` is flagged. Local time
    is brought to UTC where the header, or the site, leaves no doubt how; else it
    stays and is `time_uncertain`. Of cards that disagree the first counts, unless it
    was day then and night by another one a time zone away.

    Parameters
    ----------
    vantage : the site and the target's direction, where they are known

    Raises
    ------
    Stop
        `no_time` when no card gives a date with a time.
    """
    moments = list(told_moments(header, camera))
    span, starts = interval(moments), _starts(header, camera, moments)
    length = exposure_length(header, camera, _seconds(span, starts, header, camera))
    total_s = length.total_s or 0.0
    moments = copies_marked(moments, header, total_s)
    chosen = surest(moments, total_s)
    if chosen is None:
        raise Stop(Outcome.NO_TIME, reason=_what_was_there(header, camera))
    mjd, flags = _middle(chosen, length, span, starts)
    if not EARLIEST_MJD < mjd < LATEST_MJD:
        raise Stop(
            Outcome.NO_TIME,
            reason=f"{chosen.card} = '{chosen.text}' is no date of our time",
        )
    others = contradictions(chosen, moments, header, _reach_s(length, span))
    clock = _clock(chosen, mjd, others, header, vantage)
    flags += clock.flags
    if not chosen.scale_known and not clock.zone_known:
        flags.append(FlagWord.TIME_SCALE_UNKNOWN)
    if chosen.scale != "utc" or chosen.counted_at is not None:
        flags.append(FlagWord.TIME_CONVERTED)
    return ExposureTime(
        mid_mjd_utc=clock.mjd,
        exposure_s=total_s,
        as_reported=chosen.text,
        card=chosen.card,
        scale="_".join(filter(None, (chosen.counted_at, chosen.scale))).upper(),
        flags=tuple(dict.fromkeys(flags)),
        n_exposures=length.n_exposures,
        light_time=chosen.counted_at,
        remarks=(*chosen.doubts, *length.remarks, *clock.remarks),
    )


@dataclass(frozen=True, slots=True)
class _Clock:
    """The middle without the zone of its clock, and what was decided for that."""

    mjd: float
    flags: tuple[FlagWord, ...] = ()
    remarks: tuple[str, ...] = ()
    zone_known: bool = False


def _clock(
    chosen: Moment,
    mjd: float,
    others: list[Contradiction],
    header: fits.Header,
    vantage: Vantage | None,
) -> _Clock:
    """Bring local time to UTC, and decide between cards that disagree."""
    found = _Clock(mjd)
    if chosen.local:
        choice = zone_choice(chosen, mjd, header, vantage)
        sure = choice.hours is not None
        flag = FlagWord.TIME_CONVERTED if sure else FlagWord.TIME_UNCERTAIN
        mjd -= (choice.hours or 0.0) / 24
        found = _Clock(mjd, (flag,), (choice.remark,), sure)
    if others:
        verdict = belief(chosen, others, mjd, vantage)
        return replace(
            found,
            mjd=mjd + verdict.move_s / 86400,
            flags=(*found.flags, FlagWord.TIME_CARDS_DISAGREE),
            remarks=(*found.remarks, verdict.remark),
        )
    doubt = suspicion(chosen, mjd, header, vantage)
    if doubt is not None:
        return replace(found, flags=(FlagWord.TIME_UNCERTAIN,), remarks=(doubt,))
    return found


def _reach_s(length: ExposureLength, span: tuple[float, float] | None) -> float:
    """How far apart the cards of one frame may lie [s].

    Of a stack without its interval nobody knows the breaks between the exposures.
    """
    total_s = length.total_s or _SAME_MOMENT_S
    if length.n_exposures == 1:
        return total_s
    if span is not None:
        return max(total_s, (span[1] - span[0]) * 86400)
    return 1.5 * max(total_s, _SAME_MOMENT_S)


def _starts(
    header: fits.Header, camera: CameraSettings, moments: list[Moment]
) -> tuple[float, ...]:
    """When the exposures of a stack began, where a date card confirms the list."""
    starts = exposure_starts(header, n_exposures(header))
    if not starts or system_of(header)[0] not in (None, "utc"):
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
    """The middle, before any zone is taken off, and what is to be said of it.

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
    elif span is not None and (
        (stacked and chosen.mark != "middle") or _is_all_there_is(span, chosen, length)
    ):
        mjd = sum(span) / 2
    else:
        mjd = chosen.mjd + to_middle(chosen.mark) * (length.total_s or 0.0) / 86400
        if chosen.mark is None:
            flags.append(FlagWord.DATE_OBS_TAKEN_AS_START)
    unsure = not length.sure or (stacked and span is None and not listed)
    if chosen.mark == "middle":
        unsure = False
    # who reckons light time reckons it for the middle, as often as not
    unsure |= chosen.mark is None and chosen.counted_at is not None
    if unsure or chosen.ambiguous or chosen.rough or chosen.doubts:
        flags.append(FlagWord.TIME_UNCERTAIN)
    return mjd, flags


def _is_all_there_is(
    span: tuple[float, float], chosen: Moment, length: ExposureLength
) -> bool:
    """Whether only start and end tell how long the exposure was."""
    if length.total_s is not None or chosen.mark == "middle":
        return False
    slack = chosen.rounding_s / 86400
    inside = span[0] - slack <= chosen.mjd <= span[1] + slack
    return inside and (span[1] - span[0]) * 86400 <= _LONGEST_SINGLE_S


def _what_was_there(header: fits.Header, camera: CameraSettings) -> str:
    """Name the date cards that were looked at and what they held."""
    found = [
        f"{card} = '{text[:80]}'"
        for card in dict.fromkeys(
            (camera.date_keyword, camera.time_keyword, "DATE-OBS", "MJD-OBS", "JD")
        )
        if (text := text_of(header, card)) is not None
    ]
    if found:
        return "found only " + ", ".join(found)
    return f"no {camera.date_keyword}, MJD-OBS or JD card"
