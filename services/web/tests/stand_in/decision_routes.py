"""Decisions and rulings, as cpcs answers."""

from typing import Any

from fastapi import FastAPI, Request
from stand_in.records import Json
from stand_in.world import World, problem


def add(app: FastAPI, world: World) -> None:
    """Add the routes."""
    here = "/api/v1/calibrations/decisions/cameras/{number}"
    rulings: list[Json] = []

    def decided(number: int) -> Json:
        band = {
            **{"passband": "GaiaSP/r", "provisional": True, "by": "stars"},
            **{"valid_from_mjd": 61100.0, "valid_until_mjd": None},
            **{"n_frames": 4, "n_nights": 1, "n_contradicting": 3},
            **{"agreeing": [1, 2, 3, 4], "contradicting": [5, 6, 7], "withheld": []},
        }
        card = {"filter_card": "Rs<b>", "declared_filter": "GaiaSP/any", "version": 2}
        when = {"decided_at": "2026-11-20T21:14:09+00:00", "n_asked_in_one_band": 0}
        hidden = {"valid_from_mjd": None, "withheld": ["valid_from_mjd"]}
        when["bands"] = [band, band | hidden]
        blank = card | when | {"filter_card": "", "bands": []}
        asked = {"declared_filter": "GaiaSP/V", "n_asked_in_one_band": 12}
        blank_of_wish = card | when | asked | {"bands": []}
        return {
            "camera_id": number,
            "filters": [card | when, blank, blank_of_wish],
            "rulings": rulings,
        }

    @app.get("/api/v1/calibrations/decisions/targets/{number}")
    async def of_target(number: int) -> Json:
        return target_decisions(number)

    @app.post("/api/v1/calibrations/decisions/targets/{number}/scene/rulings")
    async def drop(number: int, request: Request) -> Any:
        asked = await request.json()
        if len(asked["why"]) < 3:
            return problem(422, "invalid", "Say why.")
        assert (float(asked["ra_deg"]), float(asked["dec_deg"])) == (65.01, -54.94)
        return target_decisions(number)

    @app.post(
        "/api/v1/calibrations/decisions/targets/{number}/scene/rulings/{ruling}/withdraw"
    )
    async def take_back(number: int, ruling: int) -> Json:
        return target_decisions(number)

    @app.get(here)
    async def decisions(number: int) -> Json:
        return decided(number)

    @app.post(here + "/rulings", status_code=201)
    async def rule(number: int, request: Request) -> Any:
        asked = await request.json()
        if asked["kind"] == "settle":
            return problem(409, "nothing_proposed", "No frames propose it.")
        when = {"ruled_at": "2026-11-20T21:14:09+00:00", "username": "ada"}
        bounds = {"valid_from_mjd": None, "valid_until_mjd": None, "withheld": []}
        open_still = {"withdrawn_at": None, "withdrawn_by": None, "ruling_id": 3}
        rulings.append(bounds | asked | when | open_still)
        return decided(number)

    @app.post(here + "/rulings/{ruling}/withdraw")
    async def withdraw(number: int, ruling: int) -> Json:
        rulings[0] |= {"withdrawn_at": "2026-11-21T01:00:00+00:00"}
        rulings[0] |= {"withdrawn_by": "ada"}
        return decided(number)


def target_decisions(number: int) -> Json:
    """What cpcs tells of a target: all of the first one, nothing of the others."""
    names = ("scene", "mean_position")
    if number != 1:
        nothing: Json = dict.fromkeys(names)
        lists = ("colours", "catalogue_pins", "earlier_scenes", "scene_rulings")
        return {"target_id": number, **nothing, **{name: [] for name in lists}}
    when = {"version": 1, "decided_at": "2026-11-20T21:14:09+00:00"}
    star = {
        **{"ra_deg": 65.01, "dec_deg": -54.94, "epoch_jyear": 2016.0},
        **{"pm_ra_masyr": -1.2, "pm_dec_masyr": 3.4, "source": "catalogue"},
    }
    of_frames = star | {"ra_deg": 65.0029, "dec_deg": -54.9371, "source": "frames"}
    place = {
        **{"ra": 65.0017, "dec": -54.9378, "epoch_jyear": 2026.16, "n_frames": 24},
        **{"ra_error_arcsec": 0.0065, "dec_error_arcsec": 0.0068},
    }
    colour = {
        **{"blue_passband": "GaiaSP/g", "red_passband": "GaiaSP/r"},
        **{"value": 0.62, "error": 0.04, "source": "same_night"},
    }
    pin = {"camera_id": 1, "catalogue": "GaiaSP", "release": "DR3"}
    pin |= {"passband": "GaiaSP/r"}
    scene = {"radius_arcsec": 30.0, "source": "GaiaSP DR3", "stars": [star]}
    host = of_frames | {"ra_deg": 65.0017, "dec_deg": -54.9378, "kind": "host"}
    source = "GaiaSP DR3; 1 found in frames; on a host"
    learnt_too = {"stars": [star, of_frames, host], "source": source}
    learnt = {
        **{"ra_deg": 65.0029, "dec_deg": -54.9371, "position_error_arcsec": 0.011},
        **{"magnitudes": {"GaiaSP/r": 17.08}, "n_frames": 12, "n_nights": 3},
        **{"n_silent": 0, "sharpest_arcsec": 1.6, "softest_arcsec": 3.1},
        "found_in": [501],
    }
    learnt_host = learnt | {
        **{"kind": "host", "ra_deg": 65.0017, "dec_deg": -54.9378, "n_saying": 1},
        **{"share": 0.041, "share_error": 0.006, "n_frames": 20, "magnitudes": {}},
    }
    dropped = {
        **{"ruling_id": 1, "ra_deg": 65.004, "dec_deg": -54.93, "username": "owner"},
        **{"why": "A ghost.", "ruled_at": "2026-11-20T22:00:00+00:00"},
        **{"withdrawn_at": None, "withdrawn_by": None},
    }
    return {
        "target_id": 1,
        "scene": when
        | scene
        | learnt_too
        | {"version": 3, "calibration_id": 501, "learnt": [learnt, learnt_host]},
        "earlier_scenes": [when | scene | {"calibration_id": 501, "learnt": []}],
        "scene_rulings": [dropped],
        "mean_position": when | place,
        "colours": [colour],
        "catalogue_pins": [when | pin | {"calibration_id": 501}],
    }
