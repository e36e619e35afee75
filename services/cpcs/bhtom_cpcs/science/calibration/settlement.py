"""The passband that a camera's filter card means, settled from many frames.

A light curve must not flip between r and R because two frames rank them differently.
So the band of a (camera, filter card, declared filter) is settled from what several
frames and nights agree on, and kept until the stars contradict it ten times in a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bhtom_cpcs.science.calibration.filter_cards import names_a_filter

CONCORDANT_FRAMES = 5
CONCORDANT_NIGHTS = 2
CONTRADICTIONS_IN_A_ROW = 10


@dataclass(frozen=True, slots=True)
class BandEvidence:
    """What the stars of one calibrated frame showed.

    `shown` are the passbands that they do not tell apart, the best first; none where
    no band could be ranked. `night` counts the site's nights (the day that its noon
    began), so that frames about midnight are of one.
    """

    calibration_id: int
    mid_exposure_mjd: float
    night: int
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BandInterval:
    """A passband and the time it holds for, with the frames that say so.

    `passband` is None where the frames do not agree on one. Settled when not
    `provisional`. The interval holds from `valid_from_mjd` on (None: from ever) and
    ends before `valid_until_mjd` (None: open). `agreeing` and `contradicting` are
    calibration ids.
    """

    passband: str | None
    provisional: bool
    valid_from_mjd: float | None
    valid_until_mjd: float | None
    n_nights: int
    agreeing: tuple[int, ...]
    contradicting: tuple[int, ...]

    def holds_at(self, mjd: float) -> bool:
        """Say whether a time lies in the interval."""
        after = self.valid_from_mjd is None or mjd >= self.valid_from_mjd
        return after and (self.valid_until_mjd is None or mjd < self.valid_until_mjd)


def observing_night(mid_exposure_mjd: float, longitude_deg: float | None) -> int:
    """Number the night of a time at a longitude (east positive; None: Greenwich)."""
    return int((mid_exposure_mjd + (longitude_deg or 0.0) / 360 - 0.5) // 1)


def settle_band(
    filter_card: str | None, history: Sequence[BandEvidence]
) -> tuple[BandInterval, ...]:
    """Settle the bands of one (camera, filter card, declared filter).

    Five concordant frames in a row, of two nights, settle a band: frames are
    concordant when one passband is among those that each of them shows. It holds from
    the first of them on. Ten frames in a row that do not show it end the interval
    before the first of them and open a new one, provisional until it settles by the
    same rule. Blank, numeric and generic cards never settle; a clear filter does.

    A pure function of the whole history, in whatever order it came: evidence that is
    replaced or comes late gives the same answer as if it had always been there.

    Parameters
    ----------
    filter_card : text of the FILTER card
    history : evidence of frames that are on record, one entry a frame

    Returns
    -------
    tuple of BandInterval
        By time, without gaps; the last one is open. Empty without evidence.
    """
    frames = sorted(
        (frame for frame in history if frame.shown),
        key=lambda frame: (frame.mid_exposure_mjd, frame.calibration_id),
    )
    if not frames:
        return ()
    if not names_a_filter(filter_card):
        return (_provisional(frames, None),)
    intervals: list[BandInterval] = []
    while frames:
        began = frames[0].mid_exposure_mjd if intervals else None
        streak = _first_concordant_streak(frames)
        if streak is None:
            intervals.append(_provisional(frames, began))
            break
        start, stop = streak
        passband = _common_band(frames[start:stop])
        if start:
            intervals.append(_provisional(frames[:start], began, frames[start]))
        end = _end_of_rule(frames, stop, passband)
        intervals.append(_settled(passband, frames[start:end], frames[end:]))
        frames = frames[end:]
    return tuple(intervals)


def _first_concordant_streak(frames: Sequence[BandEvidence]) -> tuple[int, int] | None:
    """Find the first run of frames that settles a band, as (start, stop)."""
    start, common, nights = 0, set(frames[0].shown), set[int]()
    for number, frame in enumerate(frames):
        if common & set(frame.shown):
            common &= set(frame.shown)
            nights.add(frame.night)
        else:
            start, common = _longest_run(frames, start, number)
            nights = {one.night for one in frames[start : number + 1]}
        long_enough = number + 1 - start >= CONCORDANT_FRAMES
        if long_enough and len(nights) >= CONCORDANT_NIGHTS:
            return start, number + 1
    return None


def _longest_run(
    frames: Sequence[BandEvidence], first: int, last: int
) -> tuple[int, set[str]]:
    """Where the longest run up to a frame starts that shows a band throughout."""
    start, common = last, set(frames[last].shown)
    while start > first and common & set(frames[start - 1].shown):
        start -= 1
        common &= set(frames[start].shown)
    return start, common


def _common_band(frames: Sequence[BandEvidence]) -> str:
    """Of the bands that all frames show, the one that is the best most often."""
    common = set.intersection(*(set(frame.shown) for frame in frames))
    return min(
        common, key=lambda band: (sum(f.shown.index(band) for f in frames), band)
    )


def _end_of_rule(frames: Sequence[BandEvidence], start: int, passband: str) -> int:
    """Index of the first of ten contradictions in a row, or the number of frames."""
    in_a_row = 0
    for number in range(start, len(frames)):
        in_a_row = 0 if passband in frames[number].shown else in_a_row + 1
        if in_a_row == CONTRADICTIONS_IN_A_ROW:
            return number + 1 - CONTRADICTIONS_IN_A_ROW
    return len(frames)


def _settled(
    passband: str, frames: Sequence[BandEvidence], later: Sequence[BandEvidence]
) -> BandInterval:
    agreeing = [frame for frame in frames if passband in frame.shown]
    return BandInterval(
        passband=passband,
        provisional=False,
        valid_from_mjd=frames[0].mid_exposure_mjd,
        valid_until_mjd=later[0].mid_exposure_mjd if later else None,
        n_nights=len({frame.night for frame in agreeing}),
        agreeing=tuple(frame.calibration_id for frame in agreeing),
        contradicting=tuple(
            frame.calibration_id for frame in frames if passband not in frame.shown
        ),
    )


def _provisional(
    frames: Sequence[BandEvidence],
    valid_from_mjd: float | None,
    following: BandEvidence | None = None,
) -> BandInterval:
    """Describe frames before anything is settled: the band that most of them show."""
    count: dict[str, int] = {}
    for frame in frames:
        for band in frame.shown:
            count[band] = count.get(band, 0) + 1
    passband: str | None = min(count, key=lambda band: (-count[band], band))
    if 2 * count[str(passband)] <= len(frames):
        passband = None
    agreeing = [frame for frame in frames if passband in frame.shown]
    return BandInterval(
        passband=passband,
        provisional=True,
        valid_from_mjd=valid_from_mjd,
        valid_until_mjd=None if following is None else following.mid_exposure_mjd,
        n_nights=len({frame.night for frame in agreeing}),
        agreeing=tuple(frame.calibration_id for frame in agreeing),
        contradicting=tuple(
            frame.calibration_id for frame in frames if passband not in frame.shown
        ),
    )
