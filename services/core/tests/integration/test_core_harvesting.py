"""Points from archives: a new revision only where the content has changed."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from bhtom_contracts.events.photometry import (
    HarvestedRow,
    PhotometricValue,
    PhotometryHarvested,
)
from bhtom_runtime.unit_of_work import new_event_id

START = datetime(2026, 1, 1, tzinfo=UTC)


def row(record: int, value: float | None, **changes: Any) -> HarvestedRow:
    photometry = {
        "value": value,
        "error": 0.01,
        "system": "Vega",
        "passband": "GSA(G)",
        "passband_as_reported": "G",
        **changes.pop("photometry", {}),
    }
    fields = {"record": f"r{record}", "component": "G", "mjd": 59000.0 + record}
    return HarvestedRow(photometry=PhotometricValue(**photometry), **fields, **changes)


def harvest(
    target_id: int, rows: list[HarvestedRow], hours: int = 0, **changes: Any
) -> PhotometryHarvested:
    fields: dict[str, Any] = {
        "target_id": target_id,
        "source": "Gaia Alerts",
        "source_url": "https://archive.test/alert",
        "batch_id": new_event_id(),
        "chunk": 0,
        "chunk_count": 1,
        "harvested_at": START + timedelta(hours=hours),
        "rows": tuple(rows),
        **changes,
    }
    return PhotometryHarvested(**fields)


async def read(core, target_id: int, person=None, **params: Any) -> list[dict]:
    async with core.client(person) as client:
        path = f"/api/v1/targets/{target_id}/light-curve"
        response = await client.get(path, params=params)
    points: list[dict] = response.json()["points"]
    return points


async def test_a_harvest_makes_points_once(core) -> None:
    ada = await core.person("ada")
    target_id = (await core.target(ada))["target_id"]
    rows = [
        row(1, 18.0),
        row(2, 18.5),
        row(3, None, photometry={"error": None}),
        row(4, 20.0, photometry={"is_limit": True, "limit_sigma": 5.0, "error": None}),
        row(2, 18.6),
    ]
    await core.handle(harvest(target_id, rows))
    await core.handle(harvest(target_id, rows, hours=1))
    points = await read(core, target_id)
    assert [p["value"] for p in points] == [18.0, 18.6, None, 20.0]
    assert {p["revision"] for p in points} == {1}
    assert {p["source"] for p in points} == {"Gaia Alerts"}
    assert points[0]["passband_displayed"] == "GSA(G)"
    assert points[0]["owner_id"] is None
    assert (points[3]["is_limit"], points[3]["limit_5_sigma"]) == (True, 20.0)
    updates = await core.events("lightcurve.updated", target_id)
    assert [u["point_count"] for u in updates] == [4]
    assert len(await core.events("photometry.published", target_id)) == 4
    async with core.client() as client:
        shown = (await client.get(f"/api/v1/targets/{target_id}")).json()
    assert shown["light_curve"]["last_magnitude"] == 18.6


async def test_reprocessing_makes_a_revision_of_the_same_point(core) -> None:
    ada = await core.person("ada")
    target_id = (await core.target(ada))["target_id"]
    await core.handle(harvest(target_id, [row(1, 18.0), row(2, 19.0)]))
    await core.handle(harvest(target_id, [row(1, 18.2), row(2, 19.0)], hours=1))
    points = await read(core, target_id)
    assert [(p["value"], p["revision"]) for p in points] == [(18.2, 2), (19.0, 1)]
    published = await core.events("photometry.published", target_id)
    assert [p["photometry"]["value"] for p in published] == [18.0, 19.0, 18.2]


async def test_a_hidden_point_stays_hidden_after_the_next_harvest(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    target_id = (await core.target(ada))["target_id"]
    await core.handle(harvest(target_id, [row(1, 18.0)]))
    (point,) = await read(core, target_id)
    path = f"/api/v1/points/{point['point_id']}/hide"
    async with core.client(eve) as client:
        refused = await client.post(path, json={"reason": "x"})
        assert refused.status_code == 403
    async with core.client(ada) as client:
        assert (await client.post(path, json={"reason": "wrong star"})).is_success
    await core.handle(harvest(target_id, [row(1, 18.3)], hours=1))
    assert await read(core, target_id) == []
    (hidden,) = await read(core, target_id, hidden=True)
    assert (hidden["value"], hidden["hidden_reason"]) == (18.3, "wrong star")


async def test_harvests_in_any_order_end_the_same(core) -> None:
    ada = await core.person("ada")
    contents = [18.0, 18.1, 18.0, 18.2, 18.0]
    for order in itertools.islice(itertools.permutations(range(5)), 0, 120, 13):
        target_id = (await core.target(ada))["target_id"]
        for hours in order:
            await core.handle(harvest(target_id, [row(1, contents[hours])], hours))
        (point,) = await read(core, target_id)
        assert point["value"] == 18.0


async def test_a_deleted_target_is_left_out(core) -> None:
    ada = await core.person("ada")
    target_id = (await core.target(ada))["target_id"]
    async with core.client(ada) as client:
        await client.delete(f"/api/v1/targets/{target_id}")
    await core.handle(harvest(target_id, [row(1, 18.0)]), harvest(10**12, []))
    assert await core.events("lightcurve.updated", target_id) == []


async def test_a_full_chunk_and_two_sources(core) -> None:
    ada = await core.person("ada")
    target_id = (await core.target(ada))["target_id"]
    rows = [row(number, 15.0 + number / 1000) for number in range(900)]
    await core.handle(
        harvest(target_id, rows), harvest(target_id, rows[:5], source="ZTF")
    )
    assert len(await read(core, target_id)) == 905
    (update,) = await core.events("lightcurve.updated", target_id)
    assert update["point_count"] == 905
    assert len(await core.events("photometry.published", target_id)) == 905
