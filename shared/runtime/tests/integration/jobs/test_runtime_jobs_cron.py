"""Crons fire once in the whole cluster."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text

from bhtom_runtime.jobs.cron import fire_due
from bhtom_runtime.jobs.worker import Worker
from bhtom_runtime.service import Cron, JobKind

HOURLY = Cron("look_around", timedelta(hours=1), "record", {"where": "up"})


async def _rows(jobs: Any) -> list[Any]:
    table = jobs.database.infrastructure.jobs
    async with jobs.database.read() as connection:
        return list((await connection.execute(select(table).order_by("id"))).all())


def _kinds(jobs: Any) -> dict[str, JobKind]:
    return {kind.name: kind for kind in jobs.bench.Kinds(jobs.database).all()}


async def test_many_who_look_at_once_fire_it_once(jobs: Any) -> None:
    await asyncio.gather(
        *(fire_due(jobs.database, (HOURLY,), _kinds(jobs)) for _ in range(10))
    )

    (row,) = await _rows(jobs)
    assert (row.kind, row.payload) == ("record", {"where": "up"})


async def test_two_workers_fire_each_turn_once(jobs: Any) -> None:
    every = Cron("tick", timedelta(seconds=1), "record")
    async with jobs.worker(crons=(every,)), jobs.worker(crons=(every,)):

        async def five_are_done() -> bool:
            done = [row for row in await _rows(jobs) if row.state == "done"]
            return len(done) >= 5

        await jobs.until(five_are_done)

    times = [row.created_at for row in await _rows(jobs)]
    # A late turn comes near the next one, but there is one for each second.
    assert len(times) - 1 <= (times[-1] - times[0]).total_seconds() + 1


async def test_missed_turns_are_not_made_up_for(jobs: Any) -> None:
    crons = jobs.database.infrastructure.crons
    async with jobs.database.unit_of_work() as uow:
        long_ago = func.now() - text("interval '10 hours 20 minutes'")
        await uow.execute(insert(crons).values(name=HOURLY.name, next_run_at=long_ago))
    for _ in range(3):
        await fire_due(jobs.database, (HOURLY,), _kinds(jobs))

    assert len(await _rows(jobs)) == 1
    async with jobs.database.read() as connection:
        wait = await connection.scalar(select(crons.c.next_run_at - func.now()))
    # The phase is kept: the next turn is a whole number of hours after the first.
    assert timedelta(minutes=39) < wait <= timedelta(minutes=40)


async def test_a_turn_is_skipped_while_the_last_job_is_open(jobs: Any) -> None:
    crons = jobs.database.infrastructure.crons
    for _ in range(2):
        await fire_due(jobs.database, (HOURLY,), _kinds(jobs))
        async with jobs.database.unit_of_work() as uow:
            await uow.execute(crons.update().values(next_run_at=func.now()))

    assert len(await _rows(jobs)) == 1


async def test_a_shorter_interval_holds_at_once(jobs: Any) -> None:
    await fire_due(jobs.database, (HOURLY,), _kinds(jobs))
    shorter = Cron(HOURLY.name, timedelta(minutes=1), "record")
    async with jobs.worker(crons=(shorter,)):
        crons = jobs.database.infrastructure.crons

        async def is_shorter() -> bool:
            async with jobs.database.read() as connection:
                wait = await connection.scalar(select(crons.c.next_run_at - func.now()))
            return bool(wait <= timedelta(minutes=1))

        await jobs.until(is_shorter)


def test_a_cron_of_an_unknown_kind_is_refused(jobs: Any) -> None:
    with pytest.raises(ValueError, match="names no job kind"):
        Worker(jobs.database, (), (HOURLY,), notifications=jobs.notifications)
