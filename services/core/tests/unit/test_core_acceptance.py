"""The operator's rule for what cameras' own frames teach."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from bhtom_contracts.events.cameras import CameraProposed, LearnedFigures
from bhtom_core.observatories.acceptance import AcceptanceRule
from bhtom_core.settings import CoreSettings

RULE = AcceptanceRule(min_frames=50, min_nights=5, max_sigma=5.0, max_change=0.05)
TERM = {
    "passband": "GaiaSP/r",
    "colour": "g - r",
    "slope": 0.04,
    "slope_error": 0.003,
    "frames": 60,
}
CELL = {"column": 0, "row": 0, "residual": 0.01, "error": 0.002, "stars": 90}


def flat(cell: dict[str, Any]) -> dict[str, Any]:
    return {"columns": 8, "rows": 8, "cells": [CELL | cell]}


def learned(**changes: Any) -> LearnedFigures:
    values = {
        "frames": 60,
        "nights": 6,
        "first_mjd": 61000.0,
        "last_mjd": 61030.0,
        "software_version": "1",
        "colour_terms": [TERM],
        "shutter_time": 0.02,
        "shutter_time_error": 0.002,
        "flat_residuals": flat({}),
    }
    return LearnedFigures.model_validate(values | changes)


@dataclass
class Newest:
    """A camera with its newest version."""

    camera_version: int = 3
    gain: float | None = 1.5
    pixel_scale: float | None = 1.2
    saturation_level: float | None = None
    learned: dict[str, Any] | None = None


def proposed(given: LearnedFigures, **changes: Any) -> CameraProposed:
    values: dict[str, Any] = {
        "camera_id": 1,
        "camera_version": 3,
        "learned": given,
        "note": "",
        "proposed_at": datetime.now(UTC),
    }
    return CameraProposed(**(values | changes))


def objection(
    given: LearnedFigures, known: LearnedFigures | None = None, **changes: Any
) -> str:
    before = None if known is None else known.model_dump(mode="json")
    return RULE.objection(Newest(learned=before), proposed(given, **changes)) or ""


def test_a_first_well_founded_proposal_is_accepted() -> None:
    assert objection(learned()) == ""
    assert objection(learned(), saturation_level=58000.0) == ""
    assert objection(learned(), gain=1.56) == ""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"frames": 49}, "rests on 49 frames"),
        ({"nights": 4}, "of 4 nights"),
        ({"colour_terms": [TERM | {"slope": 0.31}]}, "brings the colour term"),
        ({"shutter_time": -0.6}, "shutter"),
        (
            {"flat_residuals": {"columns": 8, "rows": 8, "cells": [CELL | {"row": 9}]}},
            "no",
        ),
        ({"flat_residuals": flat({"residual": 0.11})}, "cell 0, 0"),
    ],
)
def test_a_first_proposal_out_of_bounds_waits(
    changes: dict[str, Any], why: str
) -> None:
    assert why in objection(learned(**changes))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"gain": 1.6}, "changes the gain from 1.5 to 1.6"),
        ({"pixel_scale": 1.1}, "pixel scale"),
        ({"saturation_level": -1.0}, "no camera can have"),
        ({"camera_version": 2}, "compared with version 2"),
    ],
)
def test_what_a_person_stated_is_not_overruled(
    changes: dict[str, Any], why: str
) -> None:
    assert why in objection(learned(), **changes)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        # 5 sigma of both errors: 0.0212
        ({"colour_terms": [TERM | {"slope": 0.0613}]}, "moves the colour term"),
        ({"colour_terms": []}, "moves the colour term"),
        ({"shutter_time": 0.035}, "moves the shutter time"),
        ({"shutter_time": None, "shutter_time_error": None}, "moves the shutter time"),
        ({"flat_residuals": None}, "divides the flat-field map otherwise"),
        ({"flat_residuals": flat({"residual": 0.03})}, "moves cell 0, 0"),
    ],
)
def test_what_moves_by_more_than_its_errors_waits(
    changes: dict[str, Any], why: str
) -> None:
    found = objection(learned(frames=200, **changes), learned())
    assert why in found
    near = {"colour_terms": [TERM | {"slope": 0.0611}], "shutter_time": 0.034}
    assert objection(learned(frames=200, **near), learned()) == ""


def test_a_version_needs_news() -> None:
    assert "nothing new" in objection(learned(frames=119), learned())
    assert objection(learned(frames=120), learned()) == ""
    assert objection(learned(frames=61), learned(), gain=1.52) == ""


def test_the_rule_is_off_unless_the_operator_switches_it_on() -> None:
    common = {"DATABASE_URL": "postgresql://u@h/d", "public_url": "http://x"}
    off = CoreSettings.model_construct(**common)
    assert off.acceptance_rule is None
    on = CoreSettings.model_construct(**common, accept_cameras=True)
    assert on.acceptance_rule == RULE
    assert RULE.text.startswith("at least 50 frames of 5 nights; ")
