"""The state machine of a data product, and how its planes decide its state.

Answers come from several topics, so in any order and more than once. Each plane keeps
the best answer of its request (`Answer.rank`) and whether core has recorded it; both
are joins that neither order nor repetition can change. The product's state is derived
from the planes of its newest request, and moves only along `TRANSITIONS`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bhtom_contracts.outcomes import OUTCOMES, Outcome


class State(StrEnum):
    """Where a data product stands."""

    RECEIVED = "received"
    CALIBRATING = "calibrating"
    WAITING = "waiting"
    RECORDING = "recording"
    DONE = "done"
    FAILED = "failed"
    DELETED = "deleted"


# Waiting for somebody else's answer: the reconciliation looks after these.
IN_FLIGHT: Final = (State.CALIBRATING, State.WAITING, State.RECORDING)

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.RECEIVED: frozenset({State.CALIBRATING, State.DELETED}),
        State.CALIBRATING: frozenset(
            {State.WAITING, State.RECORDING, State.DONE, State.FAILED, State.DELETED}
        ),
        State.WAITING: frozenset(
            {
                State.CALIBRATING,
                State.RECORDING,
                State.DONE,
                State.FAILED,
                State.DELETED,
            }
        ),
        # Of two planes one can be recorded while the other still waits.
        State.RECORDING: frozenset(
            {State.CALIBRATING, State.WAITING, State.DONE, State.DELETED}
        ),
        # A crashed job that an operator runs again may succeed after all.
        State.FAILED: frozenset(
            {State.CALIBRATING, State.RECORDING, State.DONE, State.DELETED}
        ),
        # The same for one plane of several, when the others are done already.
        State.DONE: frozenset({State.CALIBRATING, State.RECORDING, State.DELETED}),
        State.DELETED: frozenset({State.RECEIVED}),
    }
)


class IllegalTransition(Exception):
    """A state that cannot follow another: an error of this program."""


def transition(current: State, following: State) -> State:
    """The following state, when it may follow or is the same."""
    if following != current and following not in TRANSITIONS[current]:
        raise IllegalTransition(f"A data product cannot go {current} -> {following}.")
    return following


class AnswerKind(StrEnum):
    """Which event answered."""

    WAITING = "waiting"
    FAILED = "failed"
    CALIBRATED = "calibrated"


_RANK: Final = tuple(AnswerKind)


@dataclass(frozen=True, slots=True)
class Answer:
    """What cpcs says about a plane in answer to one request."""

    kind: AnswerKind
    outcome: Outcome
    message: str
    calibration_id: int
    has_plot: bool
    finished_at: datetime

    @property
    def rank(self) -> tuple[int, datetime, int]:
        """A result beats a failure and a failure a wait; then the later one counts."""
        return (_RANK.index(self.kind), self.finished_at, self.calibration_id)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What core says it made of a calibrated plane."""

    recorded_at: datetime
    dispositions: tuple[str, ...]
    point_ids: tuple[int, ...]


class PlaneState(StrEnum):
    """Where one plane of a request stands."""

    WAITING = "waiting"
    FAILED = "failed"
    CALIBRATED = "calibrated"
    RECORDED = "recorded"
    # Core's answer overtook the one of cpcs, which is still on its way.
    RECORDED_EARLY = "recorded_early"


@dataclass(frozen=True, slots=True)
class Plane:
    """One image plane under one request."""

    plane: int
    plane_count: int
    answer: Answer | None = None
    recorded: Recorded | None = None

    @property
    def outcome(self) -> Outcome | None:
        """What became of it, once that is known."""
        return None if self.answer is None else self.answer.outcome

    @property
    def state(self) -> PlaneState:
        """Where it stands, by what has been said so far."""
        if self.answer is None:
            return PlaneState.RECORDED_EARLY
        if self.answer.kind is not AnswerKind.CALIBRATED:
            return PlaneState(self.answer.kind.value)
        return PlaneState.CALIBRATED if self.recorded is None else PlaneState.RECORDED

    def joined(self, other: "Plane") -> "Plane":
        """The same plane with all that both know."""
        return replace(
            self,
            plane_count=max(self.plane_count, other.plane_count),
            answer=_better(self.answer, other.answer),
            recorded=_merged(self.recorded, other.recorded),
        )


def _better(one: Answer | None, other: Answer | None) -> Answer | None:
    if one is None or other is None:
        return one or other
    return other if other.rank > one.rank else one


def _merged(one: Recorded | None, other: Recorded | None) -> Recorded | None:
    if one is None or other is None:
        return one or other
    newest = max(one, other, key=lambda item: (item.recorded_at, item.dispositions))
    points = sorted({*one.point_ids, *other.point_ids})
    return replace(newest, point_ids=tuple(points))


@dataclass(frozen=True, slots=True)
class Standing:
    """A state with its reason: what a person reads about a data product."""

    state: State
    message: str
    outcome: Outcome | None = None

    @property
    def retry_helps(self) -> bool:
        """Whether asking again can end otherwise."""
        if self.state is not State.FAILED or self.outcome is None:
            return False
        return OUTCOMES[self.outcome].retry_helps

    @property
    def advice(self) -> str:
        """What a person can do about it."""
        return "" if self.outcome is None else OUTCOMES[self.outcome].advice


REQUESTED: Final = Standing(State.CALIBRATING, "The frame is being calibrated.")

_WHY_NOT_RECORDED: Final[Mapping[str, str]] = {
    "copy": "The same exposure is in the light curve already: this one is kept apart.",
    "dry_run": "It was a dry run: nothing was added to the light curve.",
    "preview": "It was a preview: nothing was added to the light curve.",
    "not_in_plane": "The target is not on this plane.",
    "target_deleted": "The target was deleted: nothing was recorded.",
    "product_deleted": "The upload was deleted: nothing was recorded.",
    "superseded": "A newer request for this frame counts in the light curve.",
}


# What happened to one image, and to several.
_ENDED: Final[Mapping[AnswerKind, tuple[str, str]]] = {
    AnswerKind.WAITING: ("waits", "wait"),
    AnswerKind.FAILED: ("failed", "failed"),
    AnswerKind.CALIBRATED: ("was measured", "were measured"),
}

# Which plane of a mosaic holds the target: it was measured there, or seen there, or
# at least not found to lie beside it.
_HOLDS_TARGET: Final[Mapping[Outcome, int]] = {
    Outcome.CALIBRATED: 0,
    Outcome.LIMIT: 1,
    Outcome.TARGET_SATURATED: 2,
    Outcome.TARGET_MASKED: 2,
    Outcome.NOT_LINEAR: 3,
    Outcome.POOR_ZERO_POINT: 3,
    Outcome.NO_REFERENCE_IN_BAND: 3,
    Outcome.TARGET_OUTSIDE_FRAME: 5,
}
_MAY_HOLD_TARGET: Final = 4


def speaker_rank(outcome: Outcome | None, plane: int) -> tuple[int, int]:
    """Order a product's planes: the one that speaks for it comes first."""
    if outcome is None:
        return (_MAY_HOLD_TARGET, plane)
    return (_HOLDS_TARGET.get(outcome, _MAY_HOLD_TARGET), plane)


def standing_of(planes: Sequence[Plane]) -> Standing:
    """The product's standing, from the planes of its newest request."""
    answered = [plane for plane in planes if plane.answer is not None]
    count = max((plane.plane_count for plane in planes), default=1)
    if not answered:
        return REQUESTED
    if len(answered) < count:
        return Standing(
            State.CALIBRATING, f"{len(answered)} of {count} images are calibrated."
        )
    states = {plane.state for plane in answered}
    if PlaneState.CALIBRATED in states:
        return Standing(
            State.RECORDING,
            "Calibrated; the light curve is being updated.",
            _speaker(answered, AnswerKind.CALIBRATED).outcome,
        )
    if PlaneState.WAITING in states:
        return _stated(State.WAITING, answered, AnswerKind.WAITING)
    if PlaneState.RECORDED in states:
        return _stated(State.DONE, answered, AnswerKind.CALIBRATED)
    return _stated(State.FAILED, answered, AnswerKind.FAILED)


def _stated(state: State, planes: Sequence[Plane], kind: AnswerKind) -> Standing:
    """A standing in the words of the target's plane, which counts the others."""
    speaker = _speaker(planes, kind)
    assert speaker.answer is not None  # noqa: S101 - narrows the type
    sentences = [speaker.answer.message]
    if len(planes) > 1:
        count = sum(1 for plane in planes if plane.answer and plane.answer.kind is kind)
        sentences.append(
            f"(Image {speaker.plane + 1}; {count} of the file's {len(planes)} images "
            f"{_ENDED[kind][count > 1]}.)"
        )
    if speaker.recorded is not None:
        sentences += [
            _WHY_NOT_RECORDED[disposition]
            for disposition in speaker.recorded.dispositions[:1]
            if disposition in _WHY_NOT_RECORDED
        ]
    return Standing(state, " ".join(sentences), speaker.answer.outcome)


def _speaker(planes: Sequence[Plane], kind: AnswerKind) -> Plane:
    """The plane among those of a kind that holds the target, or may hold it."""

    def rank(plane: Plane) -> tuple[int, int]:
        return speaker_rank(plane.outcome, plane.plane)

    return min(
        (plane for plane in planes if plane.answer and plane.answer.kind is kind),
        key=rank,
    )
