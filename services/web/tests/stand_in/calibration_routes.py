"""Calibrations and catalogues, as cpcs answers."""

from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response
from stand_in.calibrations_shown import (
    MOSAIC,
    calibration,
    camera_report,
    chips,
    previewed,
)
from stand_in.records import Json
from stand_in.world import World, problem

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944"
    "4154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def add(app: FastAPI, world: World) -> None:
    """Add the routes."""

    @app.get("/api/v1/calibrations")
    async def calibrations(data_product_id: int | None = None) -> Json:
        items = chips() if data_product_id == MOSAIC else previewed()
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
