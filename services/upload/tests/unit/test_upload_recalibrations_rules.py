"""The rules of re-calibrations: moves, selections, and what a comparison says."""

from itertools import product as pairs_of
from typing import Any

import pytest
from pydantic import ValidationError

from bhtom_contracts.flags import PointFlag
from bhtom_runtime.errors import Conflict
from bhtom_upload.recalibrations.comparing import Pair, Value
from bhtom_upload.recalibrations.domain import (
    ENDED,
    ITEM_MOVES,
    MOVES,
    WORKING,
    IllegalMove,
    ItemState,
    Move,
    State,
    item_moved,
    moved,
    resuming,
)
from bhtom_upload.recalibrations.selection import Changes, Selection, selected


def test_every_move_is_in_the_table_or_refused() -> None:
    for state, move in pairs_of(State, Move):
        if (state, move) in MOVES:
            assert moved(state, move) is MOVES[state, move]
        else:
            with pytest.raises(Conflict):
                moved(state, move)


def test_nothing_follows_an_end_and_everything_can_end() -> None:
    assert not {state for state, _ in MOVES} & set(ENDED)
    for start in set(State) - set(ENDED):
        reached, before = {start}, set[State]()
        while reached != before:
            before = set(reached)
            reached |= {MOVES[key] for key in MOVES if key[0] in before}
        assert reached & set(ENDED), start


def test_what_works_can_be_stopped_and_goes_on_where_it_was() -> None:
    for state in WORKING:
        stopped = moved(state, Move.STOP)
        assert moved(stopped, resuming(stopped, state)) is state
    with pytest.raises(Conflict):
        resuming(State.DONE, None)
    with pytest.raises(Conflict):
        resuming(State.STOPPED, None)


def test_an_item_is_never_recorded_without_being_taken_up() -> None:
    for state, following in pairs_of(ItemState, ItemState):
        if following in ITEM_MOVES[state]:
            assert item_moved(state, following) is following
        else:
            with pytest.raises(IllegalMove):
                item_moved(state, following)
    assert ItemState.DONE not in ITEM_MOVES[ItemState.PREVIEWED]


def value(magnitude: float | None, **changes: Any) -> Value:
    given: dict[str, Any] = {
        "passband": "GaiaSP/r",
        "magnitude": magnitude,
        "magnitude_error": None if magnitude is None else 0.02,
        "limit_5_sigma": 20.0,
        "is_limit": magnitude is None,
        "flags": 0,
        "mid_exposure_mjd": 60000.0,
        "release": "dr3",
        "method": "psf-1",
        "software_version": "1",
    }
    return Value(**(given | changes))


def pair(number: int, old: Value | None, new: Value | None) -> Pair:
    return Pair(number, 0, 1, old, new)


@pytest.mark.parametrize(
    ("old", "new", "difference", "is_changed"),
    [
        (value(15.0), value(15.01), 0.01, True),
        (value(15.0), value(15.0002), 0.0002, False),
        (value(15.0), value(14.0, passband="GaiaSP/V"), None, True),
        (value(15.0), value(None), None, True),
        (None, value(15.0), None, True),
        (value(15.0), None, None, True),
    ],
)
def test_what_a_light_curve_would_show(
    old: Value | None, new: Value | None, difference: float | None, is_changed: bool
) -> None:
    found = pair(1, old, new)
    assert found.difference == (
        None if difference is None else pytest.approx(difference)
    )
    assert found.is_changed is is_changed


def test_flags_and_time_are_compared() -> None:
    old = value(15.0, flags=int(PointFlag.BLENDED | PointFlag.SATURATED))
    new = value(
        15.0,
        flags=int(PointFlag.BLENDED | PointFlag.POOR_ZERO_POINT),
        mid_exposure_mjd=60000.25,
    )
    found = pair(1, old, new)
    assert found.flags_that_appear == ("poor_zero_point",)
    assert found.flags_that_go == ("saturated",)
    assert found.time_shift_s == 21600.0
    assert found.mid_exposure_mjd == 60000.25
    assert found.changes == ("flags", "time")
    first = pair(1, None, new)
    assert (first.flags_that_appear, first.flags_that_go) == ((), ())
    assert (first.time_shift_s, first.mid_exposure_mjd) == (None, 60000.25)
    assert pair(1, old, None).mid_exposure_mjd == 60000.0


def test_flags_are_told_by_name() -> None:
    flagged = value(15.0, flags=int(PointFlag.BLENDED | PointFlag.SATURATED))
    assert set(flagged.flag_names) == {"blended", "saturated"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"target": 5},
        {"target_id": 0},
        {"from_mjd": 5.0, "until_mjd": 5.0},
        {"from_mjd": float("nan")},
        {"passband": "r'; DROP"},
        {"software_older_than": "1.x"},
        {"method_other_than": "a\0b"},
    ],
)
def test_a_selection_that_says_nothing_clear_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Selection.model_validate(given)


def test_an_owner_s_selection_never_reaches_others() -> None:
    mine = selected(Selection(target_id=5), user_id=3, by_admin=False)
    everybodys = selected(Selection(target_id=5), user_id=3, by_admin=True)
    assert len(mine) == len(everybodys) + 1
    assert any("owner_id" in str(condition) for condition in mine)
    assert not any("owner_id" in str(condition) for condition in everybodys)


def test_changes_name_only_what_they_know() -> None:
    with pytest.raises(ValidationError):
        Changes.model_validate({"zero_point": 25.0})
