"""The life of a calibration request."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bhtom_cpcs.calibrations.domain import (
    MOVES,
    REDUCIBLE,
    UNFINISHED,
    Move,
    RequestState,
    moved,
)
from bhtom_runtime.errors import Conflict


@pytest.mark.parametrize(
    ("state", "move"), list(itertools.product(RequestState, Move)), ids=str
)
def test_every_move_is_in_the_table_or_refused(state: RequestState, move: Move) -> None:
    if (state, move) in MOVES:
        assert moved(state, move) is MOVES[state, move]
        return
    with pytest.raises(Conflict, match=f"is {state} cannot {move}"):
        moved(state, move)


def test_what_is_answered_or_superseded_stays_so() -> None:
    for state in (RequestState.ANSWERED, RequestState.SUPERSEDED):
        assert not [move for known, move in MOVES if known is state]


def test_only_a_reducible_request_can_be_answered() -> None:
    answerable = {state for state, move in MOVES if move is Move.ANSWER}
    assert answerable == REDUCIBLE


def test_a_newer_request_ends_every_unfinished_one() -> None:
    endable = {state for state, move in MOVES if move is Move.SUPERSEDE}
    assert endable == UNFINISHED


@given(st.lists(st.sampled_from(Move)))
def test_whatever_happens_a_request_can_still_end_or_has_ended(
    moves: list[Move],
) -> None:
    state = RequestState.QUEUED
    for move in moves:
        if (state, move) in MOVES:
            state = moved(state, move)
    ends = {RequestState.ANSWERED, RequestState.SUPERSEDED}
    reachable = {state}
    for _ in RequestState:
        reachable |= {new for (old, _), new in MOVES.items() if old in reachable}
    assert reachable & ends
