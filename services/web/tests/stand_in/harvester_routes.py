"""Archives and health, as harvester and the others answer."""

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from stand_in.records import TIME, Json
from stand_in.world import World


def add(app: FastAPI, world: World) -> None:
    """Add the routes."""

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
