"""A stand-in for the four services' APIs, for the pages' own tests and for looking.

It answers in the shapes of the services' OpenAPI and holds a little state, so that a
form's effect can be seen on the next page. The whole suite is tested in tests/e2e.
"""

import asyncio
import json
import math
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

Json = dict[str, Any]
ADA = "a" * 40
ROOT = "b" * 40
HOSTILE = '<script>alert("x")</script>&\'"{{7*7}}'
TIME = "2026-11-20T21:14:03.512000+00:00"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944"
    "4154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
NO_WCS = (
    "The header has no usable celestial coordinates (no CRVAL1); solve the frame with "
    "an astrometry program and upload it again."
)


def problem(status: int, code: str, sentence: str, **details: Any) -> JSONResponse:
    """A problem as the runtime renders it."""
    body = {"title": "x", "status": status, "detail": sentence, "code": code}
    return JSONResponse(
        {**body, **details}, status, media_type="application/problem+json"
    )


def target(number: int, name: str, ra: float, dec: float, **more: Any) -> Json:
    """A target as core shows it."""
    return {
        "target_id": number,
        "name": name,
        "aliases": [],
        "position_kind": "sidereal",
        "position_version": 1,
        "ra": ra,
        "dec": dec,
        "epoch": 2016.0,
        "pm_ra": -4.21,
        "pm_dec": 7.03,
        "parallax": None,
        "position_error": None,
        "elements": None,
        "ephemeris": None,
        "classification": "Variable star-other",
        "description": "Watched since the outburst of 2021.",
        "importance": 9.98,
        "cadence": 1.0,
        "owner_id": 7,
        "owner": "ada",
        "visibility": "public",
        "archives_allowed": True,
        "created_at": TIME,
        "modified_at": TIME,
        "version": 3,
        "light_curve": {
            "version": 12,
            "point_count": 142,
            "last_mjd": 61363.884,
            "last_magnitude": 15.382,
            "last_passband": "r(GaiaSP)",
        },
        **more,
    }


def camera(number: int, name: str, approval: str, **more: Any) -> Json:
    """A camera as core shows it."""
    return {
        "camera_id": number,
        "oname": f"Siding-Spring_{name}",
        "observatory_id": 1,
        "observatory_name": "Siding-Spring",
        "camera_name": name,
        "camera_version": 1,
        "gain": 1.25,
        "readout_noise": 3.1,
        "saturation_level": 60000.0,
        "pixel_scale": 1.24,
        "date_keyword": "DATE-OBS",
        "time_keyword": "TIME-OBS",
        "exposure_time_keyword": "EXPTIME",
        "filter_keyword": "FILTER",
        "approval": approval,
        "active": approval == "approved",
        "owner_id": 7,
        "owner": "ada",
        "created_at": TIME,
        "modified_at": TIME,
        **more,
    }


MOSAIC = 105
BESIDE = "The target is outside the frame."


def product(number: int, state: str, message: str, **more: Any) -> Json:
    """A data product as upload shows it."""
    return {
        "data_product_id": number,
        "kind": "fits",
        "state": state,
        "outcome": None,
        "message": message,
        "advice": None,
        "retryable": state == "failed",
        "file_name": f"ngc1566_{number:04d}.fits",
        "size_bytes": 2_567_520,
        "sha256": "4d46537cdbe83c4b13e32328b00b6275f38d8f51374bb75fdd8e06bcda544e1a",
        "target_id": 1,
        "target_name": "NGC 1566",
        "camera_id": 1,
        "oname": "Siding-Spring_Huntsman",
        "owner_id": 7,
        "owner": "ada",
        "observers": ["Ada Byron"],
        "dry_run": False,
        "batch": "web-0123456789ab",
        "comment": "",
        "requested_filter": "GaiaSP/any",
        "visibility": "public",
        "created_at": TIME,
        "modified_at": TIME,
        "trace_id": "5f" * 16,
        "stages": [
            {"stage": "received", "state": "done", "message": "2.6 MB", "at": TIME},
            {"stage": "calibrating", "state": state, "message": message, "at": TIME},
        ],
        "planes": [],
        "links": {},
        **more,
    }


RESULT: Json = {
    "provenance": {
        "software_version": "0.1.0",
        "method": "forced_aperture",
        "catalogue_name": "GaiaSP",
        "catalogue_release": "DR3",
    },
    "timing": {"air_mass": 1.23, "sun_altitude_deg": -34.2},
    "filter": {
        "card": "g_band",
        "card_band": "g",
        "disagrees": True,
        "sentence": "The header says g_band, but the stars show r.",
    },
    "wcs": {
        "pixel_scale_arcsec": 1.239,
        "width_px": 800,
        "height_px": 800,
        "offset_arcsec": 1.83,
        "rms_arcsec": 0.21,
    },
    "quality": {
        "fwhm_px": 1.84,
        "fwhm_arcsec": 2.28,
        "ellipticity": 0.07,
        "background_adu": 311.4,
        "background_rms_adu": 7.92,
        "n_sources": 412,
        "gain_e_per_adu": 1.25,
    },
    "zero_point": {
        "passband": "r",
        "passband_text": "r(GaiaSP)",
        "value": 27.3121,
        "error": 0.0042,
        "scatter": 0.0313,
        "n_stars": 61,
        "n_matched": 66,
        "outlier_fraction": 0.076,
        "ranking": [
            {
                "passband": "r",
                "chosen": True,
                "reason": "least scatter",
                "n_stars": 61,
                "scatter_mag": 0.0313,
            },
            {
                "passband": "g",
                "chosen": False,
                "reason": "more scatter",
                "n_stars": 60,
                "scatter_mag": 0.182,
            },
        ],
    },
    "warnings": [],
}


def light_curve(count: int, seed: int = 1) -> list[Json]:
    """Points of a variable star in three bands, with limits and an archive's."""
    chance = random.Random(seed)
    bands = [("r", 0.0), ("g", 0.55), ("V", 0.3), ("G", 0.1)]
    points = []
    for number in range(1, count + 1):
        band, offset = bands[number % 4]
        mjd = 61000.0 + 363.0 * number / count + chance.random() * 0.3
        error = chance.uniform(0.01, 0.07)
        value = 15.4 + offset + 0.45 * math.sin(mjd / 9.7) + chance.gauss(0, error)
        is_limit = number % 23 == 0
        catalogue = "Gaia" if band == "G" else "GaiaSP"
        points.append(
            {
                "point_id": number,
                "revision": 1,
                "source": "frame",
                "facility": "GAIA" if band == "G" else "Siding-Spring_Huntsman",
                "mjd": mjd,
                "bjd_tdb": mjd + 2400000.503,
                "exposure_time": 300.0,
                "quantity": "magnitude",
                "value": None if is_limit else value,
                "error": None if is_limit else error,
                "unit": "mag",
                "system": "AB",
                "passband": f"{catalogue}/{band}",
                "passband_displayed": f"{band}({catalogue})",
                "is_limit": is_limit,
                "limit_3_sigma": 16.9 + offset + chance.gauss(0, 0.1),
                "limit_5_sigma": 16.3 + offset,
                "signal_to_noise": 1.2 if is_limit else 1.0857 / error,
                "flags": 128,
                "flag_texts": ["The stars show another band than the filter card."],
                "hidden": False,
                "hidden_reason": None,
                "hidden_by": None,
                "data_product_id": 101,
                "calibration_id": 501,
                "plane": 0,
                "camera_id": 1,
                "observers": ["Ada Byron"],
                "trace_id": "5f" * 16,
            }
        )
    return points


@dataclass
class World:
    """The state behind the answers; tests may change it."""

    targets: list[Json] = field(
        default_factory=lambda: [
            target(1, "NGC 1566", 65.0017, -54.9378, aliases=["Gaia16aac"]),
            target(2, "Gaia19bld", 187.1, -66.1, visibility="private"),
            target(3, HOSTILE, 12.0, 4.0, description=HOSTILE, owner=HOSTILE),
        ]
    )
    cameras: list[Json] = field(
        default_factory=lambda: [
            camera(1, "Huntsman", "approved"),
            camera(2, "Tube", "pending"),
        ]
    )
    products: list[Json] = field(
        default_factory=lambda: [
            product(
                101,
                "done",
                "Calibrated to r(GaiaSP): 15.382 ± 0.021, 61 stars.",
                planes=[
                    {
                        "plane": 0,
                        "outcome": "calibrated",
                        "message": "15.382 ± 0.021",
                        "calibration_id": 501,
                        "point_ids": [1],
                    }
                ],
            ),
            product(102, "failed", NO_WCS, advice="Solve the frame (ASTAP does it)."),
            product(103, "waiting", "No GaiaSP stars are stored here yet."),
            product(104, "calibrating", "", file_name=HOSTILE),
            mosaic(),
        ]
    )
    points: list[Json] = field(default_factory=lambda: light_curve(142))
    tokens: list[Json] = field(
        default_factory=lambda: [
            {
                "token_id": 31,
                "name": "robot",
                "scopes": ["read", "upload"],
                "created_at": TIME,
                "expires_at": "2027-11-20T21:14:03+00:00",
                "revoked_at": None,
                "last_digits": "9f3c",
            }
        ]
    )
    people: list[Json] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    requests: list[Request] = field(default_factory=list)
    events: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)


USERS: dict[str, Json] = {
    ADA: {
        "user_id": 7,
        "username": "ada",
        "full_name": "Ada Byron",
        "email": "ada@example.org",
        "is_admin": False,
        "is_active": True,
    },
    ROOT: {
        "user_id": 1,
        "username": "root",
        "full_name": "",
        "email": "root@example.org",
        "is_admin": True,
        "is_active": True,
    },
}


def make_fake(world: World) -> FastAPI:
    """One application that answers for all four services."""
    app = FastAPI()

    def caller(request: Request) -> Json | None:
        header = request.headers.get("authorization", "")
        token = header.removeprefix("Bearer ") or request.cookies.get(
            "bhtom_session", ""
        )
        return USERS.get(token)

    @app.middleware("http")
    async def note(request: Request, call_next: Any) -> Any:
        world.requests.append(request)
        if request.headers.get("authorization") and caller(request) is None:
            return problem(401, "unauthenticated", "Invalid token.")
        return await call_next(request)

    def find(items: list[Json], key: str, number: int) -> Any:
        for item in items:
            if item[key] == number:
                return item
        return problem(404, "not_found", "There is no such thing here.")

    @app.post("/api/v1/session")
    async def sign_in(request: Request) -> Response:
        body = await request.json()
        for token, user in USERS.items():
            if body == {"username": user["username"], "password": "right horse"}:
                answer = JSONResponse({"user": user})
                answer.set_cookie("bhtom_session", token, httponly=True, samesite="lax")
                return answer
        return problem(400, "invalid", "The user name or the password is wrong.")

    @app.delete("/api/v1/session", status_code=204)
    async def sign_out() -> None:
        return None

    @app.get("/api/v1/me")
    async def me(request: Request) -> Any:
        return caller(request) or problem(401, "unauthenticated", "Sign in first.")

    @app.get("/api/v1/tokens")
    async def tokens() -> Json:
        return {"items": world.tokens, "next_cursor": None}

    @app.post("/api/v1/tokens", status_code=201)
    async def create_token(request: Request) -> Json:
        made = {**world.tokens[0], **await request.json(), "token_id": 32}
        world.tokens.append(made)
        return {**made, "token": "c0ffee" + "0" * 34}

    @app.delete("/api/v1/tokens/{number}", status_code=204)
    async def revoke(number: int) -> None:
        find(world.tokens, "token_id", number)["revoked_at"] = TIME

    @app.post("/api/v1/me/password")
    async def change_password(request: Request) -> Any:
        if len((await request.json())["new_password"]) < 8:
            return problem(422, "invalid", "password: use 8 to 200 characters.")
        return Response(status_code=204)

    @app.get("/api/v1/users")
    async def users(request: Request) -> Any:
        user = caller(request)
        if user is None or not user["is_admin"]:
            return problem(403, "forbidden", "This needs the scope 'admin'.")
        return {"items": [*USERS.values(), *world.people], "next_cursor": None}

    @app.post("/api/v1/users", status_code=201)
    async def create_user(request: Request) -> Any:
        body = await request.json()
        if body["username"] == "ada":
            return problem(409, "user_exists", "There is already a user 'ada'.")
        made = {**USERS[ADA], **body, "user_id": 9}
        world.people.append(made)
        return made

    @app.patch("/api/v1/users/{number}")
    async def change_user(number: int, request: Request) -> Any:
        found = find(world.people, "user_id", number)
        found.update(await request.json())
        return found

    @app.get("/api/v1/targets")
    async def targets(name: str = "", ra: float | None = None) -> Json:
        found = [item for item in world.targets if name.lower() in item["name"].lower()]
        if ra is None:
            return {"items": found, "next_cursor": None}
        moving = sum(item["ra"] is None for item in found)
        return {"items": found[:1], "next_cursor": None, "moving_left_out": moving}

    @app.post("/api/v1/targets", status_code=201)
    async def create_target(request: Request) -> Any:
        body = await request.json()
        if body["name"] == "Bad":
            fields = [{"field": "importance", "message": "Importance is 0 to 10."}]
            return problem(422, "invalid", "importance: 0 to 10", fields=fields)
        if body["name"] == "Twin" and not body.get("allow_close"):
            return problem(
                409,
                "target_exists",
                "A target lies 1.20 arcsec from this position.",
                target_id=1,
                name="NGC 1566",
                separation_arcsec=1.2,
                link="javascript:alert(1)",
            )
        if "ra" not in body:
            return create_moving(body)
        made = target(len(world.targets) + 1, body["name"], 10.0, 20.0)
        world.targets.append(made)
        return made

    def create_moving(body: Json) -> Any:
        """A body; one that is called Odd is refused as core refuses."""
        if body["name"] == "Odd":
            fields = [
                {"field": "elements.inclination", "message": "At most 180."},
                {"field": "ephemeris.rows.3.mjd", "message": "Not finite."},
                {"field": "elements", "message": "No orbit."},
            ]
            return problem(422, "invalid", "no orbit", fields=fields)
        made = target(len(world.targets) + 1, body["name"], 10.0, 20.0)
        made |= {
            "ra": None,
            "dec": None,
            "sent": body,
            "elements": body.get("elements"),
        }
        made["position_kind"] = "ephemeris" if "ephemeris" in body else "elements"
        world.targets.append(made)
        return made

    @app.get("/api/v1/targets/{number}/ephemeris")
    async def ephemeris(number: int) -> Json:
        rows = [
            {"mjd": 61000.5 + n, "ra": 10.25 + n, "dec": -5.0, "distance": None}
            for n in range(4)
        ]
        return {"observer": "site", "rows": rows}

    @app.get("/api/v1/targets/by-name")
    async def by_name(name: str) -> Any:
        return find(world.targets, "name", name)  # type: ignore[arg-type]

    @app.get("/api/v1/targets/{number}")
    async def one_target(number: int) -> Any:
        return find(world.targets, "target_id", number)

    @app.patch("/api/v1/targets/{number}")
    async def change_target(number: int, request: Request) -> Any:
        found = find(world.targets, "target_id", number)
        found["description"] = (await request.json())["description"]
        return found

    @app.post("/api/v1/positions")
    async def positions(request: Request) -> Any:
        body = await request.json()
        if body["position"].get("ephemeris"):
            return {"items": [{"mjd": 0.0, "problem": "its table ended"}] * 2}
        return {
            "items": [
                {"mjd": mjd, "ra": (359.999 + n / 360) % 360, "dec": 60.0, "error": 1.0}
                for n, mjd in enumerate(body["mjd"])
            ]
        }

    @app.get("/api/v1/targets/{number}/light-curve")
    async def curve(number: int, hidden: bool = False) -> Json:
        shown = [point for point in world.points if hidden or not point["hidden"]]
        name = world.targets[0]["name"]
        return {"target_id": number, "name": name, "version": 12, "points": shown}

    @app.get("/api/v1/targets/{number}/events")
    async def curve_events(number: int) -> StreamingResponse:
        return StreamingResponse(_quiet(), media_type="text/event-stream")

    @app.get("/api/v1/points/{number}")
    async def point(number: int) -> Any:
        found = find(world.points, "point_id", number)
        if isinstance(found, Response):
            return found
        revision = {"revision": 1, "recorded_at": TIME, "current": True}
        budget = {"photon": 0.0121, "sky": 0.0103, "zero_point": 0.0042}
        return {
            **found,
            "target_id": 1,
            "revisions": [{**revision, "value": found["value"], "error": 0.02}],
            "error_budget": budget,
            "flux": 5012.3,
            "flux_error": 61.2,
            "other_fluxes": {
                **{"optimal": 5004.8, "optimal_error": 63.0},
                **{"aperture": 4988.1, "aperture_error": 66.4},
                **{"aperture_radius": 3.1, "growth_correction": -0.214},
            },
        }

    @app.post("/api/v1/points/{number}/{what}")
    async def decide(number: int, what: str, request: Request) -> Any:
        if caller(request) is None:
            return problem(401, "unauthenticated", "Sign in first.")
        found = find(world.points, "point_id", number)
        found["hidden"] = what == "hide"
        found["hidden_reason"] = (await request.json()).get("reason")
        found["hidden_by"] = "ada" if found["hidden"] else None
        return found

    @app.get("/api/v1/observatories")
    async def observatories() -> Json:
        names = sorted(
            {
                (item["observatory_id"], item["observatory_name"])
                for item in world.cameras
            }
        )
        items = [{"observatory_id": number, "name": name} for number, name in names]
        return {"items": items, "next_cursor": None}

    @app.post("/api/v1/observatories", status_code=201)
    async def create_observatory(request: Request) -> Any:
        body = await request.json()
        if abs(body["latitude"]) > 90:
            return problem(422, "invalid", "Latitude lies between -90 and 90.")
        return {"observatory_id": 9, **body}

    @app.get("/api/v1/cameras")
    async def cameras() -> Json:
        return {"items": world.cameras, "next_cursor": None}

    @app.post("/api/v1/cameras", status_code=201)
    async def create_camera(request: Request) -> Json:
        body = await request.json()
        made = camera(len(world.cameras) + 1, body["camera_name"], "pending")
        world.cameras.append(made)
        return made

    @app.get("/api/v1/cameras/{number}")
    async def one_camera(number: int) -> Any:
        return find(world.cameras, "camera_id", number)

    @app.patch("/api/v1/cameras/{number}")
    async def change_camera(number: int, request: Request) -> Any:
        found = find(world.cameras, "camera_id", number)
        found.update(await request.json(), camera_version=2)
        return found

    @app.post("/api/v1/cameras/{number}/approval")
    async def approve(number: int, request: Request) -> Any:
        user = caller(request)
        if user is None or not user["is_admin"]:
            return problem(403, "forbidden", "Only administrators approve cameras.")
        found = find(world.cameras, "camera_id", number)
        approved = (await request.json())["approved"]
        found.update(approval="approved" if approved else "rejected", active=approved)
        return found

    @app.post("/api/v1/cameras/{number}/activation")
    async def activate(number: int, request: Request) -> Any:
        found = find(world.cameras, "camera_id", number)
        found["active"] = (await request.json())["active"]
        return found

    @app.get("/api/v1/data-products")
    async def products(state: str = "", batch: str = "") -> Json:
        found = [item for item in world.products if state in ("", item["state"])]
        return {"items": found, "next_cursor": None}

    @app.get("/api/v1/data-products/events")
    async def product_events() -> StreamingResponse:
        return StreamingResponse(_told(world), media_type="text/event-stream")

    @app.get("/api/v1/data-products/{number}")
    async def one_product(number: int) -> Any:
        return find(world.products, "data_product_id", number)

    @app.post("/api/v1/data-products/{number}/retry", status_code=202)
    async def retry(number: int) -> Any:
        found = find(world.products, "data_product_id", number)
        found.update(state="calibrating", message="")
        return found

    @app.put("/api/v1/frames", status_code=201)
    async def frame(request: Request, file_name: str) -> Any:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
        if not file_name.endswith(".fits"):
            return problem(422, "not_fits", f"{file_name} is not a FITS file.")
        made = product(105, "received", "", file_name=file_name, size_bytes=size)
        world.products.append(made)
        done = {**made, "state": "done", "message": "15.382 ± 0.021 in r(GaiaSP)."}
        await world.events.put({**done, "modified_at": "2026-11-20T21:14:09+00:00"})
        return made

    _add_recalibrations(app)
    _add_decisions(app)

    @app.get("/api/v1/calibrations")
    async def calibrations(data_product_id: int | None = None) -> Json:
        items = chips() if data_product_id == MOSAIC else [calibration()]
        return {"items": items, "next_cursor": None}

    @app.get("/api/v1/calibrations/cameras/{number}/report")
    async def report(number: int) -> Any:
        if number != 1:
            return problem(404, "no_frames", "No frame of it was calibrated yet.")
        return camera_report()

    @app.get("/api/v1/calibrations/{number}")
    async def one_calibration(number: int) -> Any:
        if "cpcs" in world.down:
            return Response(status_code=502)
        return calibration()

    @app.get("/api/v1/calibrations/{number}/plot.png")
    async def plot(number: int) -> Response:
        return Response(PIXEL, media_type="image/png")

    @app.get("/api/v1/reference-catalogues")
    async def catalogues() -> Json:
        item = {"name": "GaiaSP", "release": "DR3", "bands": ["GaiaSP/B", "GaiaSP/g"]}
        more = {"tiles": 3, "stars": 212, "credit": "ESA/Gaia/DPAC"}
        other = {"name": "2MASS", "release": "2003+1", "bands": ["2MASS/J"]}
        return {"items": [{**item, **more}, {**more, **other, "credit": "IPAC"}]}

    @app.get("/api/v1/sources")
    async def sources() -> Json:
        item = {"source": "gaia_alerts", "title": "Gaia Alerts", "host": "example.org"}
        more = {"state": "unreachable", "message": "The archive does not answer."}
        return {"items": [{**item, **more, "last_success_at": None}]}

    @app.get("/api/v1/harvests")
    async def harvests() -> Json:
        item = {"harvest_id": 1, "source": "gaia_alerts", "target_id": 1}
        more = {"state": "waiting", "message": "No network; it is asked again."}
        return {"items": [{**item, **more, "row_count": 0, "next_at": TIME}]}

    @app.post("/api/v1/harvests", status_code=202)
    async def harvest() -> Json:
        return {}

    @app.get("/health/ready")
    async def ready() -> Response:
        part = {"ok": True, "message": None, "required": True}
        consumer = {"ok": False, "message": "Kafka does not answer.", "required": False}
        parts = {"database": part, "consumer": consumer}
        return JSONResponse({"service": "x", "status": "ready", "parts": parts})

    return app


def calibration() -> Json:
    """A calibration as cpcs shows it."""
    return {
        "calibration_id": 501,
        "calibration_request_id": "0190",
        "data_product_id": 101,
        "plane": 0,
        "plane_count": 1,
        "purpose": "record",
        "outcome": "calibrated",
        "message": "Calibrated to r(GaiaSP): 15.382 ± 0.021, 61 stars.",
        "finished_at": TIME,
        "reduction_time": 0.41,
        "has_plot": True,
        "result": RESULT,
        "links": {
            "plot": "https://elsewhere.example/plot.png",
            "details": "https://elsewhere.example/details.svg",
            "explanation": None,
        },
    }


def chips() -> list[Json]:
    """The calibrations of a mosaic's chips, the newest first, as cpcs lists them."""
    beside = {"outcome": "target_outside_frame", "message": BESIDE}
    same = {**calibration(), "data_product_id": MOSAIC, "plane_count": 3}
    return [
        {**same, "calibration_id": 503, "plane": 2, **beside},
        {**same, "calibration_id": 502, "plane": 1},
        {**same, "calibration_id": 501, "plane": 0, **beside},
    ]


def mosaic() -> Json:
    """An upload of three chips; the middle one holds the target."""
    answers = sorted(chips(), key=lambda item: item["plane"])
    names = ("plane", "outcome", "message", "calibration_id")
    planes = [
        {**{name: item[name] for name in names}, "point_ids": []} for item in answers
    ]
    return product(MOSAIC, "done", "15.382.", planes=planes, target_plane=1)


def _add_decisions(app: FastAPI) -> None:
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


def _add_recalibrations(app: FastAPI) -> None:
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
        }
        new = {**old, "magnitude": 15.123, "method": "psf-1"}
        pair = {
            **{"plane": 0, "target_id": 1, "mid_exposure_mjd": 61366.5},
            **{"old": old, "new": new, "difference": 0.023, "is_changed": True},
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
            **{"only_old": 0, "only_new": 0, "compared": 1, "scatter": 0.0},
            **{"median_difference": 0.023, "median_error_ratio": 1.0},
            **{"worst_difference": 0.023, "worst_data_product_id": 101},
        },
        **changes,
    }


def camera_report() -> Json:
    """A camera's report card as cpcs gives it."""
    figure = {
        "name": "gain",
        "unit": "electron/adu",
        "stated": 1.25,
        "measured": 1.61,
        "error": 0.02,
        "frames": 40,
        "sentence": "The camera's row says 1.25; 40 frames disagree.",
    }
    cell = {"column": 1, "row": 0, "residual": 0.013, "error": 0.002, "stars": 90}
    return {
        "camera_id": 1,
        "oname": "Siding-Spring_Huntsman",
        "camera_version": 1,
        "planes": 42,
        "nights": 6,
        "first_mjd": 61300.1,
        "last_mjd": 61310.2,
        "outcomes": {"calibrated": 40, "too_few_stars": 2},
        "figures": [figure],
        "colour_terms": [
            {
                "passband": "GaiaSP/r",
                "colour": "g - r",
                "slope": -0.041,
                "slope_error": 0.004,
                "frames": 40,
            }
        ],
        "limits": [
            {
                "passband": "GaiaSP/r",
                "exposure_time": 60.0,
                "limit_5_sigma": 18.9,
                "frames": 40,
            }
        ],
        "flat_residuals": {"columns": 2, "rows": 2, "cells": [cell]},
        "proposal": {
            "changes": {"gain": 1.61, "learned": {"last_mjd": 61310.2}},
            "sentences": [figure["sentence"]],
            "digest": "5eed5eed5eed5eed",
        },
    }


async def _quiet() -> AsyncIterator[str]:
    yield ": well\n\n"
    await asyncio.sleep(3600)


async def _told(world: World) -> AsyncIterator[str]:
    yield ": well\n\n"
    while True:
        news = await world.events.get()
        await asyncio.sleep(0.3)
        yield f"event: data_product\ndata: {json.dumps(news)}\n\n"
