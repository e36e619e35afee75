"""Lists, single products and live changes: what a caller sees, and nothing else."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from bhtom_runtime.auth import Principal
from bhtom_runtime.run import build_application
from bhtom_upload.data_products import store
from bhtom_upload.data_products.reading import Reader
from bhtom_upload.data_products.stream import Watched, changes
from bhtom_upload.main import SERVICE
from bhtom_upload.testing import Caller, UploadApp, frame, new_id, serving

PATH = "/api/v1/data-products"


@pytest_asyncio.fixture
async def caller(app: UploadApp) -> Caller:
    return await app.add_user()


@pytest_asyncio.fixture
async def place(app: UploadApp) -> dict[str, str]:
    target, camera = await app.add_target(), await app.add_camera()
    return {"target": target.name, "camera": camera.camera.oname}


async def upload(
    app: UploadApp, caller: Caller, place: dict[str, str], **query: Any
) -> int:
    answer = await app.put(caller, frame(SERIAL=new_id()), **place, **query)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["data_product_id"]
    return number


async def numbers(app: UploadApp, caller: Caller, **query: Any) -> list[int]:
    answer = await app.get(caller, PATH, **query)
    assert answer.status_code == 200, answer.text
    return [item["data_product_id"] for item in answer.json()["items"]]


async def test_my_uploads_by_state_target_camera_batch_and_time(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    first = await upload(app, caller, place, batch="night 1")
    other = await app.add_target()
    second = await upload(app, caller, place | {"target": other.name})
    await upload(app, await app.add_user(), place, batch="night 1")
    assert await numbers(app, caller) == [second, first]
    assert await numbers(app, caller, batch="night 1") == [first]
    assert await numbers(app, caller, target=place["target"]) == [first]
    assert await numbers(app, caller, target=other.target_id) == [second]
    assert await numbers(app, caller, camera=place["camera"]) == [second, first]
    assert await numbers(app, caller, camera="Nix") == []
    assert await numbers(app, caller, state="calibrating,waiting") == [second, first]
    assert await numbers(app, caller, state="done") == []
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert await numbers(app, caller, since=later) == []
    assert await numbers(app, caller, until=later) == [second, first]


async def test_pages_follow_each_other(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    made = [await upload(app, caller, place) for _ in range(5)]
    seen: list[int] = []
    cursor = None
    for _ in range(3):
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await app.get(caller, PATH, **query)).json()
        seen += [item["data_product_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert seen == made[::-1]


async def test_blank_fields_of_a_form_are_as_if_not_sent(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    blank = dict.fromkeys(("match_radius", "dry_run", "batch", "filter"), "")
    number = await upload(app, caller, place, **blank)
    blank = dict.fromkeys(("state", "target", "since", "cursor", "limit"), "")
    assert await numbers(app, caller, **blank) == [number]


@pytest.mark.parametrize(
    "query",
    [
        {"state": "lost"},
        {"cursor": "nonsense"},
        {"limit": 0},
        {"limit": 1000},
        {"since": "yesterday"},
        {"target": "a\0b"},
    ],
)
async def test_nonsense_is_422(
    app: UploadApp, caller: Caller, query: dict[str, Any]
) -> None:
    assert (await app.get(caller, PATH, **query)).status_code == 422


async def test_others_see_public_products_only_when_they_ask_for_all(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    number = await upload(app, caller, place)
    stranger = await app.add_user()
    assert await numbers(app, stranger) == []
    shown = await numbers(app, stranger, mine=False, target=place["target"])
    assert shown == [number]
    assert (await app.get(stranger, f"{PATH}/{number}/file")).status_code == 200
    assert (await app.client.get(f"{PATH}/{number}")).status_code == 401


@pytest.mark.parametrize("number", ["0", "-1", "999999999999", "9" * 30])
async def test_what_is_not_there_is_404(
    app: UploadApp, caller: Caller, number: str
) -> None:
    for path in (f"{PATH}/{number}", f"{PATH}/{number}/file"):
        assert (await app.get(caller, path)).status_code == 404


async def stream(
    app: UploadApp, caller: Caller, watched: Watched, last: int | None = None
) -> AsyncGenerator[tuple[int, int, str], None]:
    principal = Principal(caller.user_id, caller.username, frozenset({"read"}), False)
    database, notifications = app.context.database, app.context.notifications
    async for stage, product in changes(
        database, notifications, Reader(database), principal, watched, last
    ):
        yield stage, product.data_product_id, product.state


async def test_changes_come_as_they_happen_and_only_mine(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    await upload(app, caller, place)
    async with asyncio.timeout(20), aclosing(stream(app, caller, Watched())) as live:
        waiting = asyncio.ensure_future(anext(live))
        await app.context.notifications.listening()
        await upload(app, await app.add_user(), place)
        # The stream begins at the present, which is when its first query has run.
        while not waiting.done():
            mine = await upload(app, caller, place)
            await asyncio.wait({waiting}, timeout=0.5)
        stage, number, state = await waiting
        assert number <= mine
        assert state == "calibrating"
        assert stage > 0


async def test_a_stream_about_a_batch_tells_its_present_state_first(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    made = [await upload(app, caller, place, batch="b") for _ in range(3)]
    await upload(app, caller, place, batch="another")
    async with (
        asyncio.timeout(20),
        aclosing(stream(app, caller, Watched(batch="b"))) as live,
    ):
        told = [await anext(live) for _ in range(3)]
    assert [number for _, number, _ in told] == made
    assert [stage for stage, _, _ in told] == sorted(stage for stage, _, _ in told)
    async with (
        asyncio.timeout(20),
        aclosing(stream(app, caller, Watched(data_product_id=made[1]))) as live,
    ):
        assert (await anext(live))[1] == made[1]


async def test_a_stream_goes_on_behind_what_the_client_has(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    first = await upload(app, caller, place, batch="c")
    second = await upload(app, caller, place, batch="c")
    watched = Watched(batch="c")
    async with asyncio.timeout(20), aclosing(stream(app, caller, watched)) as live:
        last, number, _ = await anext(live)
    assert number == first
    live = stream(app, caller, Watched(), last)
    async with asyncio.timeout(20), aclosing(live):
        assert (await anext(live))[1] == second


async def test_a_change_that_commits_late_is_not_lost(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    """The sequence gives the slow transaction the smaller number."""
    slow = await upload(app, caller, place, batch="d")
    quick = await upload(app, caller, place, batch="d")
    database = app.context.database
    path = f"{PATH}/{{}}/retry"
    watched = Watched(batch="d")
    async with asyncio.timeout(30), aclosing(stream(app, caller, watched)) as live:
        assert [(await anext(live))[1] for _ in range(2)] == [slow, quick]
        async with database.unit_of_work() as unit:
            product = await store.lock_product(unit, slow)
            assert product is not None
            await store.add_stage(unit, product, "slow", "It takes its time.")
            await app.client.post(path.format(quick), headers=caller.headers)
            stage_of_quick, number, _ = await anext(live)
            assert number == quick
        stage_of_slow, number, _ = await anext(live)
        assert number == slow
        assert stage_of_slow < stage_of_quick


async def test_server_sent_events_over_http(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    number = await upload(app, caller, place, batch="sse")
    application = build_application(SERVICE, app.context, app.parts)
    async with (
        asyncio.timeout(20),
        serving(application) as url,
        httpx.AsyncClient(base_url=url) as client,
        client.stream(
            "GET",
            f"{PATH}/events",
            params={"batch": "sse"},
            headers=caller.headers,
        ) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        told: dict[str, str] = {}
        async for line in answer.aiter_lines():
            if not line and told:
                break
            name, _, value = line.partition(": ")
            told[name] = value
    assert told["event"] == "data_product"
    assert int(told["id"]) > 0
    shown = json.loads(told["data"])
    assert shown["data_product_id"] == number
    assert "stages" not in shown


async def test_a_stream_ends_with_the_right_to_read_it(
    app: UploadApp, caller: Caller, place: dict[str, str]
) -> None:
    number = await upload(app, caller, place, batch="ended")
    admin = await app.add_user(is_admin=True)
    told = 0
    async with (
        asyncio.timeout(20),
        serving(build_application(SERVICE, app.context, app.parts)) as url,
        httpx.AsyncClient(base_url=url, headers=caller.headers) as client,
        client.stream("GET", f"{PATH}/events", params={"batch": "ended"}) as answer,
    ):
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                told += 1
                await app.deactivate(caller)
                retried = await app.client.post(
                    f"{PATH}/{number}/retry", headers=admin.headers
                )
                assert retried.status_code == 202
    assert told == 1


async def test_an_administrators_reading_token_is_no_administrator(
    app: UploadApp, caller: Caller
) -> None:
    target = await app.add_target(owner_id=caller.user_id, visibility="private")
    camera = await app.add_camera()
    place = {"target": target.name, "camera": camera.camera.oname}
    path = f"{PATH}/{await upload(app, caller, place)}"
    administrator = await app.add_user(is_admin=True)
    only_reading = await app.add_user(is_admin=True, scopes=("read",))
    assert (await app.get(administrator, path)).status_code == 200
    assert (await app.get(only_reading, path)).status_code == 404
