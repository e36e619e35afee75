"""A stand-in for the four services' APIs, for the pages' own tests and for looking.

It answers in the shapes of the services' OpenAPI and holds a little state, so that a
form's effect can be seen on the next page. The whole suite is tested in tests/e2e.
"""

from typing import Any

from fastapi import FastAPI, Request
from stand_in import (
    calibration_routes,
    camera_routes,
    decision_routes,
    harvester_routes,
    people_routes,
    recalibration_routes,
    target_routes,
    upload_routes,
)
from stand_in.points import POOR, PROVISIONAL, light_curve
from stand_in.records import ADA, HOSTILE, ROOT
from stand_in.world import World, caller, problem

__all__ = ["ADA", "HOSTILE", "POOR", "PROVISIONAL", "ROOT", "World", "light_curve"]


def make_fake(world: World) -> FastAPI:
    """One application that answers for all four services."""
    app = FastAPI()

    @app.middleware("http")
    async def note(request: Request, call_next: Any) -> Any:
        world.requests.append(request)
        if request.headers.get("authorization") and caller(request) is None:
            return problem(401, "unauthenticated", "Invalid token.")
        return await call_next(request)

    for routes in (
        *(people_routes, target_routes, camera_routes, upload_routes),
        *(recalibration_routes, decision_routes, calibration_routes),
        harvester_routes,
    ):
        routes.add(app, world)
    return app
