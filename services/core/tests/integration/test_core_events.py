"""News of a light curve, as they happen."""

import asyncio
import itertools

import pytest
import uvicorn

from bhtom_contracts.events.photometry import (
    HarvestedRow,
    PhotometricValue,
    PhotometryHarvested,
)
from bhtom_runtime.unit_of_work import new_event_id

_numbers = itertools.count(1)


def harvest(target_id: int) -> PhotometryHarvested:
    number = next(_numbers)
    value = PhotometricValue(value=17.0, passband="x(G)", passband_as_reported="G")
    one = HarvestedRow(
        record=str(number), component="G", mjd=59000.0 + number, photometry=value
    )
    return PhotometryHarvested(
        target_id=target_id,
        source="archive",
        batch_id=new_event_id(),
        chunk=0,
        chunk_count=1,
        harvested_at="2026-01-01T00:00:00Z",
        rows=(one,),
    )


@pytest.fixture
async def server(core):
    """Core on a real socket: event streams need one."""
    stop = asyncio.Event()
    listening = asyncio.create_task(core.context.notifications.run(stop))
    await core.context.notifications.listening()
    config = uvicorn.Config(core.app, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    stop.set()
    server.should_exit = True
    await asyncio.gather(listening, serving)


async def news(lines) -> tuple[str, str]:
    """The id and the data of the next light-curve event."""
    found: dict[str, str] = {}
    async for line in lines:
        name, _, value = line.partition(": ")
        if name in ("id", "event", "data"):
            found[name] = value
        if not line and found.get("event") == "light_curve":
            return found["id"], found["data"]
    raise AssertionError("The stream has ended.")


async def test_a_stream_tells_of_each_change_and_goes_on_where_it_was(
    core, server: str
) -> None:
    import httpx

    ada = await core.person("ada")
    target_id = (await core.target(ada))["target_id"]
    path = f"{server}/api/v1/targets/{target_id}/events"
    async with httpx.AsyncClient(timeout=20) as client, asyncio.timeout(30):
        async with client.stream("GET", path) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.aiter_lines()
            assert await news(lines) == ("0", '{"version":0,"point_count":0}')
            await core.handle(harvest(target_id))
            assert await news(lines) == ("1", '{"version":1,"point_count":1}')
            await core.handle(harvest(target_id))
            assert await news(lines) == ("2", '{"version":2,"point_count":2}')
        headers = {"Last-Event-ID": "2"}
        async with client.stream("GET", path, headers=headers) as stream:
            lines = stream.aiter_lines()
            await core.handle(harvest(target_id))
            assert await news(lines) == ("3", '{"version":3,"point_count":3}')
