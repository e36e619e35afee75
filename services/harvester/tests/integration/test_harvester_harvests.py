"""From a target to its photometry in the outbox."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bhtom_contracts.events.photometry import PhotometryHarvested
from bhtom_contracts.events.targets import TargetPosition
from bhtom_harvester.harvests.domain import ROWS_PER_CHUNK
from bhtom_harvester.tables import documents
from bhtom_harvester.testing import SOURCE, Harvester, Reply, target_snapshot

CURVE = "alert/Gaia21een/lightcurve.csv"
AT_AN_ALERT = TargetPosition(ra=113.25287, dec=-31.98319)


async def test_a_new_target_is_scheduled_asked_about_and_told_of(
    harvester: Harvester,
) -> None:
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    row = await harvester.harvest(1)
    assert (row.state, await harvester.job_count()) == ("scheduled", 1)
    assert harvester.archive.asked == []  # the handler only records
    assert await harvester.work() == ["done"]
    (event,) = await harvester.events(1)
    told = PhotometryHarvested.model_validate(event)
    assert (told.source, told.target_id) == (SOURCE, 1)
    assert (told.chunk, told.chunk_count) == (0, 1)
    assert told.source_url == f"{harvester.archive.url}/{CURVE}"
    assert "Hodgkin" in told.citation
    assert [each.photometry.value for each in told.rows] == [18.91, 16.40]
    assert told.rows[0].record == "Gaia21een/2456961.56970"
    row = await harvester.harvest(1)
    assert (row.state, row.record_name, row.row_count) == ("done", "Gaia21een", 2)
    assert row.next_at - row.finished_at == timedelta(hours=24)
    (path, asked), *more = harvester.archive.asked
    assert (path, more) == (CURVE, [])
    assert "observer@example.org" in asked["user-agent"]
    assert (await harvester.source())["state"] == "ok"


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"name": "Gaia21een"}, [CURVE]),
        ({"aliases": ("V1 Pup", "Gaia21een")}, [CURVE]),
        ({"position": AT_AN_ALERT}, ["alerts.csv", CURVE]),
    ],
)
async def test_found_by_name_by_alias_and_by_position(
    harvester: Harvester, changes: dict[str, Any], paths: list[str]
) -> None:
    await harvester.deliver(target_snapshot(1, **changes))
    assert await harvester.work() == ["done"]
    assert harvester.archive.paths == paths
    (event,) = await harvester.events(1)
    assert len(event["rows"]) == 2


async def test_where_there_is_no_alert_nothing_is_told(harvester: Harvester) -> None:
    await harvester.deliver(target_snapshot(1))
    await harvester.deliver(target_snapshot(2, name="Gaia99zzz"))
    await harvester.deliver(target_snapshot(3, position=TargetPosition()))
    assert await harvester.work() == ["done"] * 3
    for target_id in (1, 2, 3):
        assert await harvester.events(target_id) == []
        assert (await harvester.harvest(target_id)).state == "nothing"
    # The position itself goes nowhere, not even for the second target.
    assert sorted(harvester.archive.paths) == [
        "alert/Gaia99zzz/lightcurve.csv",
        "alerts.csv",
    ]


async def test_unchanged_content_is_told_once_and_a_reprocessed_value_again(
    harvester: Harvester,
) -> None:
    replies = harvester.archive.replies
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    await harvester.work()
    await again(harvester)
    assert len(await harvester.events(1)) == 1
    assert len(harvester.archive.asked) == 2
    before = replies[CURVE]
    replies[CURVE] = Reply(before.body.replace(b"18.91", b"18.87"))
    await again(harvester)
    first, second = await harvester.events(1)
    assert second["rows"][0]["record"] == first["rows"][0]["record"]
    assert second["rows"][0]["photometry"]["value"] == 18.87
    # An archive that shows nothing for a while takes nothing back.
    del replies[CURVE]
    await again(harvester)
    assert (await harvester.harvest(1)).state == "nothing"
    replies[CURVE] = Reply(before.body.replace(b"18.91", b"18.87"))
    await again(harvester)
    assert len(await harvester.events(1)) == 2


async def again(harvester: Harvester) -> None:
    await harvester.ask_now(1)
    assert await harvester.work() == ["done"]


async def test_a_long_light_curve_comes_in_chunks_of_one_batch(
    harvester: Harvester,
) -> None:
    count = 2 * ROWS_PER_CHUNK + 1
    lines = [f"2014-10-31 01:40:22,{2456961 + n}.5,18.91" for n in range(count)]
    head = b"Gaia21een\n#Date,JD(TCB),averagemag\n"
    harvester.archive.replies[CURVE] = Reply(head + "\n".join(lines).encode())
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    await harvester.work()
    events = await harvester.events(1)
    assert [event["chunk"] for event in events] == [0, 1, 2]
    assert {event["chunk_count"] for event in events} == {3}
    assert len({event["batch_id"] for event in events}) == 1
    records = [row["record"] for event in events for row in event["rows"]]
    assert len(set(records)) == count


async def test_the_list_is_asked_for_once_a_day_with_its_etag(
    harvester: Harvester,
) -> None:
    archive = harvester.archive
    for target_id in (1, 2, 3):
        await harvester.deliver(target_snapshot(target_id))
    await harvester.work()
    assert archive.paths == ["alerts.csv"]
    assert "if-none-match" not in archive.asked[0][1]
    await let_a_day_pass(harvester)
    await harvester.ask_now(1)
    await harvester.ask_now(2)
    await harvester.work()
    assert archive.paths == ["alerts.csv"] * 2
    assert archive.asked[1][1]["if-none-match"] == '"1"'
    # A newer list is taken, with the alert that it adds.
    added = b"Gaia26aaa,2026-03-01 00:00:00,20.0,20.0,18.0,,,,,,\n"
    old = archive.replies["alerts.csv"]
    archive.replies["alerts.csv"] = Reply(old.body + added, headers={"ETag": '"2"'})
    await let_a_day_pass(harvester)
    await harvester.ask_now(1)
    await harvester.work()
    assert archive.paths[2:] == ["alerts.csv", "alert/Gaia26aaa/lightcurve.csv"]


async def let_a_day_pass(harvester: Harvester) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=25)
    async with harvester.context.database.unit_of_work() as unit:
        await unit.execute(update(documents).values(fetched_at=long_ago))


async def test_only_what_matters_to_archives_asks_them_again(
    harvester: Harvester,
) -> None:
    await harvester.deliver(target_snapshot(1))
    await harvester.work()
    await harvester.deliver(target_snapshot(1, 2, description="A nice star."))
    assert await harvester.job_count() == 0
    await harvester.deliver(target_snapshot(1, 3, aliases=("Gaia21een",)))
    assert await harvester.work() == ["done"]
    assert len(await harvester.events(1)) == 1
    # An old snapshot that comes late changes nothing.
    await harvester.deliver(target_snapshot(1, 2, name="Other"))
    assert await harvester.job_count() == 0


async def test_a_change_while_the_archive_answers_is_not_lost(
    harvester: Harvester,
) -> None:
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    job = await harvester.claimed()
    effect = await harvester.kinds["harvest"].run(job)
    await harvester.deliver(target_snapshot(1, 2, name="Gaia21edy"))
    await harvester.take_effect(effect)
    assert await harvester.events(1) == []
    row = await harvester.harvest(1)
    assert row.state == "scheduled"
    assert row.next_at <= datetime.now(UTC)
