"""What a damaged or absurd version of a camera says is not used."""

from typing import Any

import pytest

from bhtom_contracts.events.cameras import LearnedFigures
from bhtom_cpcs.calibrations.reduction_process import reduction_request
from bhtom_cpcs.decisions.pinned import plain_decisions
from bhtom_cpcs.science.decisions import NOTHING_DECIDED
from bhtom_cpcs.science.learned_camera import NOTHING_LEARNT
from bhtom_cpcs.science.request import CameraSettings
from bhtom_cpcs.testing import request_for

TERM = {
    "passband": "GaiaSP/r",
    "colour": "g - r",
    "slope": 0.04,
    "slope_error": 0.003,
    "frames": 60,
}
LIMIT = {"passband": "GaiaSP/r", "exposure_time": 60.0, "frames": 60}
CELL = {"column": 0, "row": 2, "residual": 0.0, "error": 0.1, "stars": 9}
LEARNED = {
    "frames": 60,
    "nights": 6,
    "first_mjd": 61000.0,
    "last_mjd": 61030.0,
    "software_version": "1",
}


@pytest.mark.parametrize(
    "impossible",
    [
        {"shutter_time_error": 60.0},
        {"flat_residuals": {"columns": 2, "rows": 2, "cells": [CELL]}},
        {"colour_terms": [TERM | {"slope": -30.0}]},
        {"limits": [{**LIMIT, "limit_5_sigma": 90.0}]},
        {"last_mjd": 60000.0},
    ],
)
def test_a_version_that_no_camera_can_be_teaches_nothing(
    impossible: dict[str, Any],
) -> None:
    learned = {**LEARNED, "colour_terms": [TERM], "shutter_time": 0.5}

    def camera(**changes: Any) -> CameraSettings:
        asked = request_for("a" * 64, 1)
        values = LearnedFigures.model_validate(learned | changes)
        figures = {"learned": values, "gain": -1.0, "pixel_scale": float("nan")}
        pin = asked.camera.model_copy(update=figures)
        nothing = plain_decisions(NOTHING_DECIDED)
        asked = asked.model_copy(update={"camera": pin})
        return reduction_request(asked, nothing).camera

    fine = camera()
    assert (fine.learned.shutter_time_s, len(fine.learned.colour_terms)) == (0.5, 1)
    assert camera(**impossible).learned == NOTHING_LEARNT
    assert (fine.gain_e_per_adu, fine.pixel_scale_arcsec) == (None, None)
    assert fine.saturation_adu == 60000.0


def test_maps_are_read_with_their_keys_and_one_of_all_together_without_use() -> None:
    one = {
        "passband": "GaiaSP/r",
        "image": "2 N2",
        "width": 800,
        "height": 600,
        "columns": 1,
        "rows": 2,
        "residuals": [0.0123456, None],
        "errors": [0.001, None],
        "stars": 90,
        "frames": 30,
    }
    mixed = {"columns": 2, "rows": 3, "cells": [CELL]}
    known = {**LEARNED, "binning": "2x2", "flat_residuals": mixed, "flat_maps": [one]}
    asked = request_for("a" * 64, 1)
    figures = {"learned": LearnedFigures.model_validate(known), "binning": 2}
    asked = asked.model_copy(update={"camera": asked.camera.model_copy(update=figures)})
    camera = reduction_request(asked, plain_decisions(NOTHING_DECIDED)).camera
    (flat,) = camera.learned.flats
    assert (camera.binning, camera.learned.has_mixed_flat) == (2, True)
    assert flat.residuals == (0.0123, None)
    assert flat.is_of("2 N2", "", "2x2", (601, 799))
    assert not flat.is_of("2 N2", "", "2x2", (600, 400))
