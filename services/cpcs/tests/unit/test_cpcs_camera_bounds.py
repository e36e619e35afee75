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
