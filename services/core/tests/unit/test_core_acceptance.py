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
FLAT = {
    "passband": "GaiaSP/r",
    "width": 800,
    "height": 600,
    "columns": 2,
    "rows": 1,
    "residuals": [0.01, None],
    "errors": [0.002, None],
    "stars": 90,
    "frames": 30,
}


def flat(residual: float, **parts: Any) -> list[dict[str, Any]]:
    return [FLAT | {"residuals": [residual, None]} | parts]


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
        "binning": "1x1",
        "flat_maps": flat(0.01),
    }
    return LearnedFigures.model_validate(values | changes)


@dataclass
class Newest:
    """A camera with its newest version."""

    camera_version: int = 3
    gain: float | None = 1.5
    readout_noise: float | None = None
    pixel_scale: float | None = 1.2
    binning: int | None = None
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
        ({"flat_maps": flat(0.01, rows=2)}, "no camera can have"),
        ({"flat_maps": flat(0.01) + flat(0.02)}, "no camera can have"),
        ({"flat_maps": flat(0.11)}, "cell 0, 0 of the flat-field map of GaiaSP/r"),
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
        ({"flat_maps": flat(0.01, columns=1, rows=2)}, "flat-field map otherwise"),
        ({"flat_maps": flat(0.03)}, "moves cell 0, 0"),
        ({"binning": "2x2"}, "at binning 2x2 instead of 1x1"),
        ({"binning": None}, "at binning unknown instead of 1x1"),
    ],
)
def test_what_moves_by_more_than_its_errors_waits(
    changes: dict[str, Any], why: str
) -> None:
    found = objection(learned(frames=200, **changes), learned())
    assert why in found
    near = {"colour_terms": [TERM | {"slope": 0.0611}], "shutter_time": 0.034}
    assert objection(learned(frames=200, **near), learned()) == ""


def test_maps_of_other_bands_and_chips_are_maps_of_their_own() -> None:
    """What is new of another chip is not held against what is known of this one."""
    both = flat(0.01) + flat(0.09, passband="GaiaSP/g") + flat(-0.09, image="2 N2")
    assert objection(learned(frames=200, flat_maps=both), learned()) == ""
    moved = [*both[:2], *flat(0.05, image="2 N2")]
    found = objection(learned(frames=400, flat_maps=moved), learned(flat_maps=both))
    assert "2 N2" in found


def test_a_map_of_all_bands_is_compared_with_nothing() -> None:
    """It is in older versions and taken out of no frame."""
    cell = {"column": 0, "row": 0, "residual": 0.9, "error": 0.001, "stars": 90}
    mixed = {"columns": 8, "rows": 8, "cells": [cell]}
    known = learned(flat_residuals=mixed, flat_maps=[])
    assert objection(learned(frames=200), known) == ""


def test_a_stated_binning_is_not_overruled() -> None:
    newest = Newest(binning=1, pixel_scale=None)
    found = RULE.objection(newest, proposed(learned(), binning=2, pixel_scale=2.4))
    assert found == "It changes the binning from 1 to 2."
    unstated = Newest(pixel_scale=None, gain=None)
    given = proposed(learned(), binning=2, pixel_scale=2.4)
    assert RULE.objection(unstated, given) is None


def test_what_nobody_measured_at_a_binning_is_not_taken_to_it() -> None:
    """A row without a binning is of none, and so are its figures."""
    given = proposed(learned(), binning=2, pixel_scale=2.4)
    for name in ("gain", "readout_noise", "saturation_level"):
        stated = {"gain": None, "pixel_scale": None, name: 1.5}
        found = RULE.objection(Newest(**stated), given)  # type: ignore[arg-type]
        what = name.replace("_", " ")
        assert found == f"It takes the {what} to binning 2, where nobody measured it."
    told = proposed(learned(), binning=2, gain=1.55)
    assert RULE.objection(Newest(pixel_scale=None), told) is None
    same = proposed(learned(), binning=1, pixel_scale=1.21)
    assert RULE.objection(Newest(), same) is None


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
