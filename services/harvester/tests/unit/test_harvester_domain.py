"""Which targets archives are asked about."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bhtom_harvester.harvests.domain import wanted_of
from bhtom_harvester.sources.interface import Wanted

TARGET: dict[str, Any] = {
    "target_id": 7,
    "name": "Star",
    "aliases": ["Gaia21een"],
    "ra": 10.0,
    "dec": -5.0,
    "visibility": "public",
    "archives_allowed": True,
    "deleted_at": None,
}


def test_a_target_is_asked_about_by_its_names_and_position() -> None:
    assert wanted_of(TARGET) == Wanted(7, ("Star", "Gaia21een"), 10.0, -5.0)


@pytest.mark.parametrize(
    "change",
    [
        {"archives_allowed": False},
        {"archives_allowed": False, "visibility": "private"},
        {"deleted_at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
)
def test_closed_and_deleted_targets_are_not(change: dict[str, Any]) -> None:
    assert wanted_of({**TARGET, **change}) is None
    assert wanted_of(None) is None
