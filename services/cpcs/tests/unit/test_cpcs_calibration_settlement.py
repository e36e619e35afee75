"""A filter's band settles from concordant frames and moves only when contradicted."""

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bhtom_cpcs.science.calibration.settlement import (
    BandEvidence,
    observing_night,
    settle_band,
)

R, BIG_R, G = "GaiaSP/r", "GaiaSP/R", "GaiaSP/g"


def frames(
    *shown: tuple[str, ...], per_night: int = 3, start: int = 0
) -> list[BandEvidence]:
    """Evidence of frames an hour apart, some a night."""
    return [
        BandEvidence(
            calibration_id=start + number,
            mid_exposure_mjd=60000.2
            + (start + number) // per_night
            + ((start + number) % per_night) / 24,
            night=60000 + (start + number) // per_night,
            shown=bands,
        )
        for number, bands in enumerate(shown)
    ]


def test_five_concordant_frames_of_two_nights_settle() -> None:
    history = frames(*[(R,)] * 5)
    (interval,) = settle_band("r", history)
    assert interval.passband == R
    assert not interval.provisional
    assert interval.valid_from_mjd == history[0].mid_exposure_mjd
    assert interval.valid_until_mjd is None
    assert interval.n_nights == 2
    assert interval.agreeing == (0, 1, 2, 3, 4)
    assert interval.contradicting == ()


@pytest.mark.parametrize(
    "history",
    [frames(*[(R,)] * 4), frames(*[(R,)] * 20, per_night=30)],
    ids=["four frames", "one night"],
)
def test_too_little_evidence_is_provisional(history: list[BandEvidence]) -> None:
    (interval,) = settle_band("r", history)
    assert interval.provisional
    assert interval.passband == R


def test_ties_settle_the_band_that_all_of_them_share() -> None:
    history = frames((BIG_R, R), (R,), (BIG_R, R), (R, BIG_R), (G, R))
    (interval,) = settle_band("r", history)
    assert (interval.passband, interval.provisional) == (R, False)


@pytest.mark.parametrize("card", ["", None, "3", "UNKNOWN", "Open", "Filter 2", "RGGB"])
def test_cards_that_say_nothing_never_settle(card: str | None) -> None:
    (interval,) = settle_band(card, frames(*[(R,)] * 50))
    assert interval.provisional


@pytest.mark.parametrize("card", ["Clear", "L", "Luminance", "no filter"])
def test_a_clear_filter_has_the_same_band_on_every_night(card: str) -> None:
    (interval,) = settle_band(card, frames((R, G), (R,), (BIG_R, R), (R,), (R, BIG_R)))
    assert (interval.passband, interval.provisional) == (R, False)


def test_a_contradiction_does_not_move_a_settled_band() -> None:
    shown = [(R,)] * 6 + [(G,)] * 9 + [(R,)] + [(G,)] * 9
    (interval,) = settle_band("r", frames(*shown))
    assert (interval.passband, interval.provisional) == (R, False)
    assert len(interval.contradicting) == 18


def test_ten_contradictions_in_a_row_open_a_new_interval() -> None:
    history = frames(*[(R,)] * 6, *[(G,)] * 10)
    old, new = settle_band("r", history)
    assert (old.passband, old.provisional) == (R, False)
    assert old.valid_until_mjd == new.valid_from_mjd == history[6].mid_exposure_mjd
    assert (new.passband, new.provisional) == (G, False)
    assert old.holds_at(history[5].mid_exposure_mjd)
    assert not old.holds_at(history[6].mid_exposure_mjd)


def test_a_new_interval_is_provisional_until_it_settles() -> None:
    shown = [(R,)] * 6 + [(G,), (BIG_R,)] * 5
    old, new = settle_band("r", frames(*shown))
    assert not old.provisional
    assert new.provisional
    assert new.passband is None


def test_frames_before_the_settled_ones_stay_provisional() -> None:
    history = frames((G,), (BIG_R,), *[(R,)] * 6)
    before, after = settle_band("r", history)
    assert before.provisional
    assert before.valid_from_mjd is None
    assert before.valid_until_mjd == after.valid_from_mjd
    assert (after.passband, after.agreeing) == (R, (2, 3, 4, 5, 6, 7))


def test_frames_that_show_no_band_do_not_count() -> None:
    (interval,) = settle_band("r", frames(*[(R,), ()] * 4))
    assert interval.provisional
    assert settle_band("r", frames((), ())) == ()
    assert settle_band("r", []) == ()


def test_night_changes_at_noon() -> None:
    # 149 deg east: midnight is about 14 h UT
    assert observing_night(60000.4, 149.0) == observing_night(60000.8, 149.0)
    assert observing_night(60000.4, 149.0) + 1 == observing_night(60001.4, 149.0)
    assert observing_night(60000.9, None) == observing_night(60001.3, None)


shown_bands = st.lists(
    st.lists(st.sampled_from([R, BIG_R, G]), max_size=2, unique=True).map(tuple),
    max_size=40,
)


@given(shown_bands, st.integers(0, 10))
@settings(max_examples=150, deadline=None)
def test_intervals_are_a_function_of_the_history_alone(
    shown: Sequence[tuple[str, ...]], seed: int
) -> None:
    history = frames(*shown)
    intervals = settle_band("r", history)
    shuffled = history.copy()
    random.Random(seed).shuffle(shuffled)
    assert settle_band("r", shuffled) == intervals
    for earlier, later in pairwise(intervals):
        assert earlier.valid_until_mjd == later.valid_from_mjd
    for frame in history:
        if frame.shown:
            holds = [i for i in intervals if i.holds_at(frame.mid_exposure_mjd)]
            assert len(holds) == 1
            told = holds[0].agreeing + holds[0].contradicting
            assert frame.calibration_id in told
    for interval in intervals:
        if not interval.provisional:
            assert len(interval.agreeing) >= 5
            assert interval.n_nights >= 2
