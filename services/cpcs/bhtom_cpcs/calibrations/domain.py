"""The life of a calibration request: its states and the moves between them."""

from enum import StrEnum
from typing import Final

from bhtom_runtime.errors import Conflict


class RequestState(StrEnum):
    """Where a request stands."""

    QUEUED = "queued"
    WAITING = "waiting"
    ANSWERED = "answered"
    DEAD = "dead"
    SUPERSEDED = "superseded"


class Move(StrEnum):
    """What can happen to a request."""

    ANSWER = "answer"
    WAIT = "wait"
    WAKE = "wake"
    DIE = "die"
    SUPERSEDE = "supersede"


MOVES: Final[dict[tuple[RequestState, Move], RequestState]] = {
    (RequestState.QUEUED, Move.ANSWER): RequestState.ANSWERED,
    (RequestState.QUEUED, Move.WAIT): RequestState.WAITING,
    (RequestState.QUEUED, Move.DIE): RequestState.DEAD,
    (RequestState.QUEUED, Move.SUPERSEDE): RequestState.SUPERSEDED,
    (RequestState.WAITING, Move.WAKE): RequestState.QUEUED,
    (RequestState.WAITING, Move.SUPERSEDE): RequestState.SUPERSEDED,
    # An operator replayed the dead job, and this time it ended.
    (RequestState.DEAD, Move.ANSWER): RequestState.ANSWERED,
    (RequestState.DEAD, Move.WAIT): RequestState.WAITING,
    (RequestState.DEAD, Move.DIE): RequestState.DEAD,
}

REDUCIBLE: Final = frozenset({RequestState.QUEUED, RequestState.DEAD})
"""States in which a worker that holds the request's job reduces the frame."""

UNFINISHED: Final = frozenset({RequestState.QUEUED, RequestState.WAITING})
"""States that a newer request of the same product ends."""


def moved(state: RequestState, move: Move) -> RequestState:
    """The state after a move; refuses what the table does not know."""
    following = MOVES.get((state, move))
    if following is None:
        raise Conflict(
            f"A calibration request that is {state} cannot {move}.",
            code="calibration_request_state",
        )
    return following
