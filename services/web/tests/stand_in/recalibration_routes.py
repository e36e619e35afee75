"""Re-calibrations, as upload answers."""

from typing import Any

from fastapi import FastAPI, Request
from stand_in.records import Json
from stand_in.world import World, problem


def add(app: FastAPI, world: World) -> None:
    """Add the routes."""
    here = "/api/v1/recalibrations"
    state = {"state": "previewed", "can": ["accept", "discard"]}

    @app.get(here)
    async def recalibrations() -> Json:
        return {"items": [recalibration(**state)], "next_cursor": None}

    @app.post(here, status_code=201)
    async def ask(request: Request) -> Any:
        asked = await request.json()
        if not asked["selection"]:
            return problem(422, "invalid", "select something, such as target_id")
        return recalibration(**asked)

    @app.get(here + "/{number}")
    async def one(number: int) -> Json:
        return recalibration(**state)

    @app.get(here + "/{number}/items")
    async def items(number: int) -> Json:
        old = {
            **{"outcome": "magnitude", "passband": "GaiaSP/r", "magnitude": 15.1},
            **{"magnitude_error": 0.03, "limit_5_sigma": 19.0, "flag_names": []},
            **{"release": "sim+1", "method": "aperture-1", "software_version": "1"},
            "mid_exposure_mjd": 61366.5,
        }
        new = {
            **{**old, "magnitude": 15.123, "magnitude_error": 0.3, "method": "psf-1"},
            **{"flag_names": ["poor_zero_point"], "limit_5_sigma": 18.2},
            "mid_exposure_mjd": 61366.5 + 30 / 86400,
        }
        pair = {
            **{"plane": 0, "target_id": 1},
            "mid_exposure_mjd": new["mid_exposure_mjd"],
            **{"old": old, "new": new, "difference": 0.023, "is_changed": True},
            **{"flags_that_appear": ["poor_zero_point"], "flags_that_go": ["blended"]},
            "time_shift_s": 30.0,
            "changes": ["magnitude", "limit", "error", "flags", "time"],
        }
        failed = {"plane": 0, "outcome": "no_wcs", "message": "No WCS."}
        done = {"data_product_id": 101, "file_name": "a.fits", "state": "previewed"}
        return {
            "items": [
                {**done, "message": "", "pairs": [pair], "answers": []},
                {**done, "message": "", "pairs": [], "answers": [failed]},
            ],
            "next_cursor": None,
        }

    @app.post(here + "/{number}/{step}")
    async def go_on(number: int, step: str) -> Json:
        state.update(state="accepting", can=["stop"])
        return recalibration(**state)


def recalibration(**changes: Any) -> Json:
    """A re-calibration as upload gives it."""
    return {
        "recalibration_id": 7,
        "username": "ada",
        "selection": {"target_id": 1, "camera_id": None},
        "changes": {"filter": None, "newest_catalogue": True},
        "preview": True,
        "state": "previewed",
        "message": "The preview is complete.",
        "counts": {"previewed": 2},
        "can": [],
        "created_at": "2026-11-20T21:14:09+00:00",
        "modified_at": "2026-11-20T21:14:09+00:00",
        "summary": {
            **{"pairs": 1, "changed": 1, "passband_changed": 0, "outcome_changed": 0},
            **{"magnitude_changed": 1, "limit_changed": 1, "error_changed": 1},
            **{"flags_changed": 1, "time_changed": 1},
            **{"only_old": 0, "only_new": 0, "compared": 1, "scatter": 0.0},
            **{"median_difference": 0.023, "median_error_ratio": 1.0},
            **{"worst_difference": 0.023, "worst_data_product_id": 101},
        },
        **changes,
    }
