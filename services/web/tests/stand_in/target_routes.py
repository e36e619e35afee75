"""Targets, light curves and points, as core answers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse
from stand_in.points import POOR, columns_of
from stand_in.records import TIME, Json, target
from stand_in.world import World, caller, find, problem


async def _quiet() -> AsyncIterator[str]:
    yield ": well\n\n"
    await asyncio.sleep(3600)


def add(app: FastAPI, world: World) -> None:
    """Add the routes."""

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
        if request.headers["if-match"] != f'"{found["version"]}"':
            return problem(412, "stale", "Somebody changed the target.")
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

    @app.get("/api/v1/targets/{number}/light-curve/columns")
    async def curve(number: int, hidden: bool = False) -> Json:
        seen = [one for one in world.points if not one["hidden"]]
        good = [one for one in seen if not one["flags"] & POOR]
        left_out = {
            **{"hidden": len(world.points) - len(seen), "poor": len(seen) - len(good)}
        }
        return {
            **{"target_id": number, "name": world.targets[0]["name"], "version": 12},
            "left_out": {"hidden": 0, "poor": 0} if hidden else left_out,
            **columns_of(world.points if hidden else good),
        }

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
                **{"fixed_aperture": 5.0, "fixed_aperture_flux": 9120.4},
                **{"fixed_aperture_flux_error": 88.2},
                **{"fixed_aperture_magnitude": 15.731},
                **{"fixed_aperture_magnitude_error": 0.018},
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
