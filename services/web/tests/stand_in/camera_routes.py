"""Observatories and cameras, as core answers."""

from typing import Any

from fastapi import FastAPI, Request
from stand_in.records import Json, camera
from stand_in.world import World, caller, find, problem


def add(app: FastAPI, world: World) -> None:
    """Add the routes."""

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
        made["second_order_extinction"] = body["second_order_extinction"]
        world.cameras.append(made)
        return made

    @app.get("/api/v1/cameras/acceptance-rule")
    async def acceptance_rule() -> Json:
        return {"is_on": True, "text": "at least 50 frames of 5 nights"}

    @app.post("/api/v1/cameras/{number}/acceptance-rule")
    async def follow_rule(number: int, request: Request) -> Any:
        found = find(world.cameras, "camera_id", number)
        found["follows_rule"] = (await request.json())["follows"]
        return found

    @app.get("/api/v1/cameras/{number}/versions")
    async def camera_versions(number: int) -> Json:
        found = find(world.cameras, "camera_id", number)
        learned = {"frames": 60, "nights": 6}
        kept = {"note": "Accepted by <b>.", "learned": learned}
        first = {"camera_version": 1, "note": "", "learned": None}
        return {"items": [found | kept, found | first]}

    @app.post("/api/v1/cameras/{number}/versions/{earlier}/restore")
    async def restore(number: int, earlier: int, request: Request) -> Any:
        found = find(world.cameras, "camera_id", number)
        found.update(camera_version=3, follows_rule=False)
        return found

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
