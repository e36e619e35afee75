"""When archives are asked, and that one pair of target and source asks once."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from bhtom_harvester.harvests.store import due
from bhtom_harvester.sources.interface import Harvest, Wanted
from bhtom_harvester.tables import harvests
from bhtom_harvester.testing import SOURCE, Harvester, Reply, target_snapshot
from bhtom_runtime.jobs.worker import Worker

PATIENCE_S = 60


class NewSource:
    """A source that was added after the targets."""

    name = "survey"
    title = "Survey"
    host = "survey.example.org"
    citation = "Survey et al."

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def harvest(self, wanted: Wanted) -> Harvest:
        self.asked.append(wanted.target_id)
        return Harvest(None, (), "Nothing there.")


async def test_a_harvest_is_due_once(harvester: Harvester) -> None:
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    await harvester.deliver(target_snapshot(2, name="Gaia21edy"))
    for _ in range(3):
        await harvester.schedule()
    assert await harvester.job_count() == 2
    assert await harvester.work() == ["done"] * 2
    await harvester.schedule()
    assert await harvester.job_count() == 0
    await harvester.make_due(1)
    for _ in range(3):
        await harvester.schedule()
    assert await harvester.job_count() == 1
    assert await harvester.work() == ["done"]
    assert len(harvester.archive.asked) == 3


async def test_a_harvest_that_waits_for_its_job_is_not_looked_at(
    harvester: Harvester,
) -> None:
    """Else a long queue would hide what became due behind it."""
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    await harvester.deliver(target_snapshot(2, name="Gaia21edy"))
    assert await waiting(harvester) == []
    await harvester.work()
    assert await waiting(harvester) == []
    await harvester.make_due(2)
    assert await waiting(harvester) == [(2, SOURCE)]


async def waiting(harvester: Harvester) -> list[tuple[int, str]]:
    async with harvester.context.database.read() as connection:
        return await due(connection, [SOURCE], 10)


async def test_a_failed_job_leaves_a_harvest_that_comes_again(
    harvester: Harvester,
) -> None:
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    kind = harvester.kinds["harvest"]
    assert kind.on_dead is not None
    job = await harvester.claimed()
    async with harvester.context.database.unit_of_work() as unit:
        await kind.on_dead(unit, job, "It took longer than 300 s.")
    row = await harvester.harvest(1)
    assert row.state == "failed"
    assert "longer than 300 s" in row.message
    assert row.next_at > datetime.now(UTC) + timedelta(hours=1)


async def test_a_new_source_is_asked_about_old_targets(harvester: Harvester) -> None:
    await harvester.deliver(target_snapshot(1))
    await harvester.deliver(target_snapshot(2, archives_allowed=False))
    await harvester.work()
    survey = NewSource()
    kinds = harvester.kinds_with(survey)
    await harvester.schedule(kinds)
    assert await harvester.work(kinds) == ["done"]
    assert survey.asked == [1]
    assert (await harvester.harvest(1, "survey")).state == "nothing"


async def test_a_source_that_was_removed_is_asked_for_no_more(
    harvester: Harvester,
) -> None:
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    assert await harvester.work(harvester.kinds_with()) == ["dead"]
    assert "no source 'gaia_alerts'" in (await harvester.harvest(1)).message


async def test_a_broken_source_leaves_the_others_alone(harvester: Harvester) -> None:
    harvester.archive.first = [Reply(status=503)] * 3
    survey = NewSource()
    kinds = harvester.kinds_with(harvester.gaia(), survey)
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    await harvester.schedule(kinds)
    assert await harvester.work(kinds) == ["done"] * 2
    assert (await harvester.harvest(1)).state == "waiting"
    assert (await harvester.harvest(1, "survey")).state == "nothing"


async def test_the_worker_does_it_all_by_itself(harvester: Harvester) -> None:
    """With the crons and the rate limit that the service declares."""
    context, parts = harvester.context, harvester.parts
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    await harvester.deliver(target_snapshot(2, name="Gaia21edy"))
    await harvester.work()
    await harvester.make_due(1)
    await harvester.make_due(2)
    worker = Worker(
        context.database,
        kinds=parts.job_kinds,
        crons=parts.crons,
        limits=parts.rate_limits,
        notifications=context.notifications,
    )
    stop = asyncio.Event()
    tasks = [
        asyncio.create_task(worker.run(stop)),
        asyncio.create_task(context.notifications.run(stop)),
    ]
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for _ in context.notifications.subscribe():
                if await due_count(harvester) == 0:
                    break
    finally:
        stop.set()
        await asyncio.gather(*tasks)
    assert len(harvester.archive.asked) == 4


async def due_count(harvester: Harvester) -> int:
    statement = select(harvests.c.harvest_id).where(
        harvests.c.next_at <= datetime.now(UTC)
    )
    async with harvester.context.database.read() as connection:
        return len((await connection.execute(statement)).all())
