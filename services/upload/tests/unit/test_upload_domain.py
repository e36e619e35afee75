"""The state machine: its table, and that no order of answers changes its end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bhtom_contracts.outcomes import OUTCOMES, Outcome
from bhtom_upload.data_products.domain import (
    REQUESTED,
    TRANSITIONS,
    Answer,
    AnswerKind,
    IllegalTransition,
    Plane,
    PlaneState,
    Recorded,
    Standing,
    State,
    standing_of,
    transition,
)

START = datetime(2026, 1, 1, tzinfo=UTC)

ALLOWED = {
    (State.RECEIVED, State.CALIBRATING),
    (State.CALIBRATING, State.WAITING),
    (State.CALIBRATING, State.RECORDING),
    (State.CALIBRATING, State.DONE),
    (State.CALIBRATING, State.FAILED),
    (State.WAITING, State.CALIBRATING),
    (State.WAITING, State.RECORDING),
    (State.WAITING, State.DONE),
    (State.WAITING, State.FAILED),
    (State.RECORDING, State.CALIBRATING),
    (State.RECORDING, State.WAITING),
    (State.RECORDING, State.DONE),
    (State.FAILED, State.CALIBRATING),
    (State.FAILED, State.RECORDING),
    (State.FAILED, State.DONE),
    (State.DONE, State.CALIBRATING),
    (State.DONE, State.RECORDING),
    (State.DELETED, State.RECEIVED),
    *((state, State.DELETED) for state in State if state is not State.DELETED),
}


@pytest.mark.parametrize("current", State)
@pytest.mark.parametrize("following", State)
def test_every_pair_of_states_is_allowed_or_refused_as_listed(
    current: State, following: State
) -> None:
    if current is following or (current, following) in ALLOWED:
        assert transition(current, following) is following
    else:
        with pytest.raises(IllegalTransition, match=f"{current} -> {following}"):
            transition(current, following)


def test_every_state_can_be_reached_and_left() -> None:
    reached = {state for following in TRANSITIONS.values() for state in following}
    assert reached == set(State)
    assert set(TRANSITIONS) == set(State)
    assert all(TRANSITIONS.values())


def answer(
    kind: AnswerKind,
    *,
    seconds: int = 0,
    calibration_id: int = 1,
    outcome: Outcome | None = None,
) -> Answer:
    outcomes = {
        AnswerKind.CALIBRATED: Outcome.CALIBRATED,
        AnswerKind.FAILED: Outcome.NO_WCS,
        AnswerKind.WAITING: Outcome.WAITING_FOR_CATALOGUE,
    }
    return Answer(
        kind=kind,
        outcome=outcome or outcomes[kind],
        message=f"{kind} at {seconds}",
        calibration_id=calibration_id,
        has_plot=False,
        finished_at=START + timedelta(seconds=seconds),
    )


def recorded(*point_ids: int, disposition: str = "recorded") -> Recorded:
    return Recorded(START, (disposition,), point_ids)


def test_without_an_answer_it_is_being_calibrated() -> None:
    assert standing_of([]) == REQUESTED


def test_a_calibrated_plane_waits_for_its_record() -> None:
    standing = standing_of([Plane(0, 1, answer(AnswerKind.CALIBRATED))])
    assert standing.state is State.RECORDING
    assert standing.outcome is Outcome.CALIBRATED


def test_it_is_done_only_when_core_has_recorded_it() -> None:
    plane = Plane(0, 1, answer(AnswerKind.CALIBRATED), recorded(5))
    standing = standing_of([plane])
    assert standing.state is State.DONE
    assert standing.message == "calibrated at 0"


def test_a_record_that_overtakes_its_calibration_changes_nothing_yet() -> None:
    early = Plane(0, 1, recorded=recorded(5))
    assert early.state is PlaneState.RECORDED_EARLY
    assert standing_of([early]) == REQUESTED
    late = early.joined(Plane(0, 1, answer(AnswerKind.CALIBRATED)))
    assert standing_of([late]).state is State.DONE


def test_a_wait_and_a_failure_say_why_and_what_to_do() -> None:
    waiting = standing_of([Plane(0, 1, answer(AnswerKind.WAITING))])
    assert waiting.state is State.WAITING
    assert not waiting.retry_helps
    failed = standing_of([Plane(0, 1, answer(AnswerKind.FAILED))])
    assert failed.state is State.FAILED
    assert failed.message == "failed at 0"
    assert failed.advice == OUTCOMES[Outcome.NO_WCS].advice
    assert failed.retry_helps is OUTCOMES[Outcome.NO_WCS].retry_helps


def test_a_dry_run_says_that_nothing_was_added() -> None:
    plane = Plane(0, 1, answer(AnswerKind.CALIBRATED), recorded(disposition="dry_run"))
    assert standing_of([plane]).message.endswith(
        "nothing was added to the light curve."
    )


def test_all_planes_must_be_answered_and_recorded() -> None:
    first = Plane(0, 3, answer(AnswerKind.CALIBRATED), recorded(1))
    second = Plane(1, 3, answer(AnswerKind.FAILED))
    third = Plane(2, 3, answer(AnswerKind.CALIBRATED))
    assert standing_of([first]).state is State.CALIBRATING
    assert standing_of([first, second]).state is State.CALIBRATING
    assert standing_of([first, second, third]).state is State.RECORDING
    third = third.joined(Plane(2, 3, recorded=recorded(2)))
    done = standing_of([first, second, third])
    assert done.state is State.DONE
    assert "2 of the file's 3 images" in done.message


def test_a_magnitude_counts_before_a_limit() -> None:
    planes = [
        Plane(0, 2, answer(AnswerKind.CALIBRATED, outcome=Outcome.LIMIT), recorded(1)),
        Plane(1, 2, answer(AnswerKind.CALIBRATED), recorded(2)),
    ]
    assert standing_of(planes).outcome is Outcome.CALIBRATED
    assert standing_of(planes[:1] + planes[:1]).outcome is Outcome.LIMIT


@pytest.mark.parametrize(
    ("outcomes", "speaker"),
    [
        ((Outcome.TARGET_OUTSIDE_FRAME, Outcome.TARGET_SATURATED), 1),
        ((Outcome.TOO_FEW_STARS, Outcome.TARGET_MASKED), 1),
        ((Outcome.TARGET_OUTSIDE_FRAME, Outcome.NO_WCS), 1),
        ((Outcome.NO_WCS, Outcome.POOR_ZERO_POINT), 1),
        ((Outcome.NO_WCS, Outcome.TOO_FEW_STARS), 0),
        ((Outcome.TARGET_OUTSIDE_FRAME, Outcome.TARGET_OUTSIDE_FRAME), 0),
    ],
)
def test_the_targets_plane_speaks_for_a_mosaic(
    outcomes: tuple[Outcome, ...], speaker: int
) -> None:
    planes = [
        Plane(
            number,
            len(outcomes),
            answer(AnswerKind.FAILED, seconds=number, outcome=outcome),
        )
        for number, outcome in enumerate(outcomes)
    ]
    standing = standing_of(planes)
    assert standing.outcome is outcomes[speaker]
    assert (
        standing.message == f"failed at {speaker} (Image {speaker + 1}; "
        "2 of the file's 2 images failed.)"
    )
    assert standing.advice == OUTCOMES[outcomes[speaker]].advice


def test_a_measured_plane_speaks_before_those_beside_the_target() -> None:
    """Its magnitude is told with its own outcome, wherever it stands in the file."""
    limit = answer(AnswerKind.CALIBRATED, outcome=Outcome.LIMIT)
    planes = [
        Plane(0, 3, answer(AnswerKind.FAILED, outcome=Outcome.TARGET_OUTSIDE_FRAME)),
        Plane(1, 3, limit, recorded(1)),
        Plane(2, 3, answer(AnswerKind.CALIBRATED, seconds=2), recorded(2)),
    ]
    standing = standing_of(planes)
    assert standing.outcome is Outcome.CALIBRATED
    assert standing.message.startswith("calibrated at 2 (Image 3; 2 of the file's 3 ")


def test_of_one_image_it_is_told_in_the_singular() -> None:
    beside = answer(AnswerKind.FAILED, outcome=Outcome.TARGET_OUTSIDE_FRAME)
    planes = [
        Plane(0, 2, answer(AnswerKind.CALIBRATED), recorded(1)),
        Plane(1, 2, beside),
    ]
    told = standing_of(planes).message
    assert told.endswith("(Image 1; 1 of the file's 2 images was measured.)")


def test_the_later_of_two_answers_of_a_kind_counts() -> None:
    old, new = (
        answer(AnswerKind.CALIBRATED, seconds=second, calibration_id=second)
        for second in (1, 2)
    )
    for one, other in ((old, new), (new, old)):
        joined = Plane(0, 1, one).joined(Plane(0, 1, other))
        assert joined.answer == new


@st.composite
def news(draw: st.DrawFn) -> list[Plane]:
    """What can be said about the planes of one request, by two services."""
    count = draw(st.integers(1, 3))
    said: list[Plane] = []
    for plane in range(count):
        kinds = draw(st.lists(st.sampled_from(AnswerKind), max_size=3))
        for number, kind in enumerate(kinds):
            seconds = draw(st.integers(0, 3))
            said.append(
                Plane(
                    plane,
                    count,
                    answer(kind, seconds=seconds, calibration_id=number),
                )
            )
        for number in range(draw(st.integers(0, 2))):
            at = START + timedelta(seconds=number)
            said.append(
                Plane(plane, count, recorded=Recorded(at, ("recorded",), (number,)))
            )
    return said


def play(said: list[Plane]) -> tuple[Standing, dict[int, Plane]]:
    """Take the news one by one, as the consumer does; each step must be legal."""
    planes: dict[int, Plane] = {}
    state = State.CALIBRATING
    standing = REQUESTED
    for item in said:
        before = planes.get(item.plane)
        planes[item.plane] = item if before is None else before.joined(item)
        standing = standing_of(list(planes.values()))
        state = transition(state, standing.state)
    return standing, planes


@given(st.data())
@settings(max_examples=400)
def test_no_order_and_no_repetition_changes_the_end(data: st.DataObject) -> None:
    said = data.draw(news())
    expected = play(said)
    shuffled = data.draw(st.permutations(said))
    repeated = list(shuffled)
    if said:
        repeated += data.draw(st.lists(st.sampled_from(said), max_size=4))
    assert play(shuffled) == expected
    assert play(repeated) == expected
