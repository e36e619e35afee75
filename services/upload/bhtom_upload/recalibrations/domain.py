"""The life of a re-calibration and of each product in it: states, and their moves."""

from enum import StrEnum
from typing import Final

from bhtom_runtime.errors import Conflict


class State(StrEnum):
    """Where a re-calibration stands."""

    COLLECTING = "collecting"
    PREVIEWING = "previewing"
    PREVIEWED = "previewed"
    ACCEPTING = "accepting"
    DONE = "done"
    STOPPED = "stopped"
    DISCARDED = "discarded"
    FAILED = "failed"


class Move(StrEnum):
    """What can happen to a re-calibration."""

    PREVIEW = "preview"
    ACCEPT = "accept"
    FINISH = "finish"
    STOP = "stop"
    RESUME_COLLECTING = "resume_collecting"
    RESUME_PREVIEWING = "resume_previewing"
    RESUME_ACCEPTING = "resume_accepting"
    DISCARD = "discard"
    FAIL = "fail"


MOVES: Final[dict[tuple[State, Move], State]] = {
    (State.COLLECTING, Move.PREVIEW): State.PREVIEWING,
    (State.COLLECTING, Move.ACCEPT): State.ACCEPTING,
    (State.COLLECTING, Move.FINISH): State.DONE,
    (State.COLLECTING, Move.FAIL): State.FAILED,
    (State.COLLECTING, Move.STOP): State.STOPPED,
    (State.PREVIEWING, Move.FINISH): State.PREVIEWED,
    (State.PREVIEWING, Move.STOP): State.STOPPED,
    (State.PREVIEWED, Move.ACCEPT): State.ACCEPTING,
    (State.PREVIEWED, Move.DISCARD): State.DISCARDED,
    (State.ACCEPTING, Move.FINISH): State.DONE,
    (State.ACCEPTING, Move.STOP): State.STOPPED,
    (State.STOPPED, Move.RESUME_COLLECTING): State.COLLECTING,
    (State.STOPPED, Move.RESUME_PREVIEWING): State.PREVIEWING,
    (State.STOPPED, Move.RESUME_ACCEPTING): State.ACCEPTING,
    (State.STOPPED, Move.DISCARD): State.DISCARDED,
}

WORKING: Final = (State.COLLECTING, State.PREVIEWING, State.ACCEPTING)
"""States in which steps are still to be made."""

ENDED: Final = (State.DONE, State.DISCARDED, State.FAILED)
"""States that nothing follows."""

_RESUME: Final = {
    State.COLLECTING: Move.RESUME_COLLECTING,
    State.PREVIEWING: Move.RESUME_PREVIEWING,
    State.ACCEPTING: Move.RESUME_ACCEPTING,
}


def moved(state: State, move: Move) -> State:
    """The state after a move; refuses what the table does not know."""
    following = MOVES.get((state, move))
    if following is None:
        raise Conflict(
            f"A re-calibration that is {state} cannot {move.partition('_')[0]}.",
            code="recalibration_state",
        )
    return following


def resuming(state: State, stopped_from: State | None) -> Move:
    """The move that takes a stopped re-calibration back to what it was doing."""
    move = None if stopped_from is None else _RESUME.get(stopped_from)
    if state is not State.STOPPED or move is None:
        raise Conflict(
            f"A re-calibration that is {state} cannot resume.",
            code="recalibration_state",
        )
    return move


class ItemState(StrEnum):
    """Where one product of a re-calibration stands."""

    SELECTED = "selected"
    PREVIEWING = "previewing"
    PREVIEWED = "previewed"
    RECORDING = "recording"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


ITEM_MOVES: Final[dict[ItemState, frozenset[ItemState]]] = {
    ItemState.SELECTED: frozenset(
        {ItemState.PREVIEWING, ItemState.RECORDING, ItemState.SKIPPED}
    ),
    ItemState.PREVIEWING: frozenset({ItemState.PREVIEWED, ItemState.SKIPPED}),
    ItemState.PREVIEWED: frozenset({ItemState.RECORDING, ItemState.SKIPPED}),
    ItemState.RECORDING: frozenset(
        {ItemState.DONE, ItemState.FAILED, ItemState.SKIPPED}
    ),
    ItemState.DONE: frozenset(),
    ItemState.FAILED: frozenset(),
    ItemState.SKIPPED: frozenset(),
}


class IllegalMove(Exception):
    """An item's state that cannot follow another: an error of this program."""


def item_moved(state: ItemState, following: ItemState) -> ItemState:
    """The following state of an item, when it may follow."""
    if following not in ITEM_MOVES[state]:
        raise IllegalMove(f"An item cannot go {state} -> {following}.")
    return following
