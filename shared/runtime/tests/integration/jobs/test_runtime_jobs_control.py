"""What people do to jobs, and what is cleared away by itself."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import func, insert, select

from bhtom_runtime.errors import Conflict, NotFound
from bhtom_runtime.jobs import control
from bhtom_runtime.jobs.jobs_cli import jobs_group
from bhtom_runtime.jobs.maintenance import maintenance_parts, prune
from bhtom_runtime.service import Parts, Service
from bhtom_runtime.settings import ServiceSettings


async def test_a_dead_job_can_be_replayed(jobs: Any) -> None:
    job_id = await jobs.add("failing", payload={"how": "retry"}, max_attempts=1)
    async with jobs.worker():
        await jobs.ended(job_id, "dead")
        await control.replay(jobs.database, job_id)
        await jobs.started(job_id, 4)
        row = await jobs.ended(job_id, "dead")

    # The numbers go on, so that no old attempt can pass for a new one.
    attempts = [line.attempt for line in await jobs.diary(jobs.bench.STARTS)]
    assert attempts == [1, 2, 3, 4]
    assert row.max_attempts == 4


async def test_only_what_is_over_can_be_replayed(jobs: Any) -> None:
    job_id = await jobs.add("record")
    with pytest.raises(Conflict, match="is ready"):
        await control.replay(jobs.database, job_id)
    with pytest.raises(NotFound):
        await control.replay(jobs.database, 10_000)


async def test_a_replay_never_makes_a_second_open_job_of_a_key(jobs: Any) -> None:
    job_id = await jobs.add(
        "failing", payload={"how": "permanent"}, dedupe_key="one thing"
    )
    async with jobs.worker():
        await jobs.ended(job_id, "dead")
    await jobs.add("failing", payload={"how": "permanent"}, dedupe_key="one thing")

    with pytest.raises(Conflict, match="newer one"):
        await control.replay(jobs.database, job_id)


async def test_the_command_line_lists_shows_replays_and_cancels(
    jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await jobs.add("failing", payload={"how": "permanent"})
    waiting = await jobs.add("gated", payload={"gate": "never"})
    async with jobs.worker(kinds=jobs.bench.Kinds(jobs.database).all()[4:]):
        await jobs.ended(job_id, "dead")
    monkeypatch.setenv("DATABASE_URL", jobs.url)
    service = Service(
        "core",
        "bhtom_core",
        ServiceSettings,
        jobs.bench.INFRASTRUCTURE,
        lambda _: Parts(),
    )

    async def call(*arguments: str) -> str:
        runner = CliRunner()
        result = await asyncio.to_thread(
            runner.invoke, jobs_group(service), list(arguments)
        )
        return result.output

    listed = await call("list", "--state", "dead")
    assert "No archive knows this star." in listed
    assert "gated" not in listed
    assert "No archive knows this star." in await call("show", str(job_id))
    assert await call("replay", str(job_id)) == f"Job {job_id} is ready again.\n"
    assert await call("cancel", str(waiting)) == f"Job {waiting} is cancelled.\n"
    assert (await jobs.row(waiting)).state == "cancelled"
    assert "There is no job 777 here." in await call("show", "777")


async def test_pruning_keeps_what_is_needed(jobs: Any) -> None:
    tables = jobs.database.infrastructure

    def ago(days: float) -> Any:
        return func.now() - timedelta(days=days)

    job_rows = [
        ("done", 4, False),
        ("done", 1, True),
        ("cancelled", 4, False),
        ("dead", 170, True),
        ("dead", 190, False),
        ("ready", None, True),
    ]
    event = {"topic": "t", "key": "k", "body": b"{}", "schema_version": 1, "epoch": 1}
    async with jobs.database.unit_of_work() as uow:
        for state, days, _ in job_rows:
            finished = None if days is None else ago(days)
            await uow.execute(
                insert(tables.jobs).values(kind="x", state=state, finished_at=finished)
            )
        for published in (ago(31), ago(29), None):
            values = {**event, "event_id": uuid4(), "published_at": published}
            await uow.execute(insert(tables.outbox).values(values))
        for days in (61, 59):
            values = {"consumer": "c", "event_id": uuid4(), "topic": "t"}
            await uow.execute(
                insert(tables.inbox).values(**values, claimed_at=ago(days))
            )

    removed = await prune(jobs.database)

    assert removed == {"jobs": 3, "outbox": 1, "inbox": 1}
    async with jobs.database.read() as connection:
        left = (await connection.scalars(select(tables.jobs.c.id))).all()
    kept = [number for number, row in enumerate(job_rows, start=1) if row[2]]
    assert sorted(left) == kept


async def test_pruning_keeps_the_newest_snapshot_of_each_thing(jobs: Any) -> None:
    outbox = jobs.database.infrastructure.outbox
    long_ago = func.now() - timedelta(days=90)
    # Two snapshots of the first target, one of the second, and a fact.
    rows = [
        ("target.changed", "1", False),
        ("target.changed", "1", True),
        ("target.changed", "2", True),
        ("fits.uploaded", "3", False),
    ]
    event_ids = [uuid4() for _ in rows]
    async with jobs.database.unit_of_work() as uow:
        for event_id, (topic, key, _) in zip(event_ids, rows, strict=True):
            await uow.execute(
                insert(outbox).values(
                    event_id=event_id,
                    topic=topic,
                    key=key,
                    body=b"{}",
                    schema_version=1,
                    epoch=1,
                    published_at=long_ago,
                )
            )

    await prune(jobs.database)

    statement = select(outbox.c.event_id).where(outbox.c.event_id.in_(event_ids))
    async with jobs.database.read() as connection:
        left = set((await connection.scalars(statement)).all())
    wanted = zip(event_ids, rows, strict=True)
    assert left == {event_id for event_id, row in wanted if row[2]}


async def test_every_service_prunes_by_itself(jobs: Any) -> None:
    kinds, crons = maintenance_parts(jobs.database)
    async with jobs.worker(kinds=kinds, crons=crons):

        async def has_run() -> bool:
            table = jobs.database.infrastructure.jobs
            statement = select(table.c.state).where(table.c.kind == kinds[0].name)
            async with jobs.database.read() as connection:
                return bool(await connection.scalar(statement) == "done")

        await jobs.until(has_run)
