"""Data products, as upload answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from stand_in.records import Json, product
from stand_in.world import World, find, problem


async def _told(world: World) -> AsyncIterator[str]:
    yield ": well\n\n"
    while True:
        news = await world.events.get()
        await asyncio.sleep(0.3)
        yield f"event: data_product\ndata: {json.dumps(news)}\n\n"


def add(app: FastAPI, world: World) -> None:
    """Add the routes."""

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
