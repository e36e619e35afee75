"""Who gets his turn when: fairness, priorities, limits, rates, dedupe keys."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

from sqlalchemy import func, insert, select

from bhtom_runtime.jobs.claim import Claimant, claim
from bhtom_runtime.service import Effect, Job, JobKind, RateLimit
from bhtom_runtime.unit_of_work import NewJob, UnitOfWork

CLAIMANT = Claimant("test", ("record", "gated"), {}, 60.0)


async def _add_many(jobs: Any, number: int, **values: Any) -> None:
    table = jobs.database.infrastructure.jobs
    rows = [{"kind": "record", "payload": {}, **values} for _ in range(number)]
    async with jobs.database.unit_of_work() as uow:
        await uow.execute(insert(table), rows)


async def _claim(
    jobs: Any, wanted: int, claimant: Claimant = CLAIMANT
) -> Sequence[Job]:
    async with jobs.database.unit_of_work() as uow:
        return (await claim(uow, claimant, "default", wanted)).jobs


async def _owners(jobs: Any, wanted: int) -> list[str]:
    return sorted(job.fair_key for job in await _claim(jobs, wanted))


async def test_three_jobs_behind_two_thousand_of_another_start_soon(jobs: Any) -> None:
    await _add_many(jobs, 2000, fair_key="many")
    few = [await jobs.add("record", fair_key="few") for _ in range(3)]
    async with jobs.worker(concurrency=4):
        for job_id in few:
            await jobs.ended(job_id)

    effects = await jobs.diary(jobs.bench.EFFECTS)
    order = [effect.job_id for effect in effects]
    # In turn they are the 2nd, 4th and 6th to start; four run at a time.
    assert max(order.index(job_id) for job_id in few) < 6 + 2 * 4


async def test_those_who_come_later_do_not_wait_behind_a_backlog(jobs: Any) -> None:
    await _add_many(jobs, 500, fair_key="many")
    async with jobs.worker(concurrency=2):

        async def some_are_done() -> bool:
            return len(await jobs.diary(jobs.bench.EFFECTS)) >= 20

        await jobs.until(some_are_done)
        job_id = await jobs.add("record", fair_key="late")
        before = len(await jobs.diary(jobs.bench.EFFECTS))
        await jobs.ended(job_id)

    order = [effect.job_id for effect in await jobs.diary(jobs.bench.EFFECTS)]
    # What ran, what started with it, and what ended before we had counted.
    assert order.index(job_id) - before < 50


async def test_turns_count_what_a_key_runs_already(jobs: Any) -> None:
    await _add_many(jobs, 10, fair_key="anna")
    await _add_many(jobs, 10, fair_key="bela")
    assert await _owners(jobs, 4) == ["anna", "anna", "bela", "bela"]
    await _add_many(jobs, 10, fair_key="cleo")

    assert await _owners(jobs, 2) == ["cleo", "cleo"]
    assert await _owners(jobs, 3) == ["anna", "bela", "cleo"]


async def test_a_higher_priority_comes_first_whoever_it_is_for(jobs: Any) -> None:
    await _add_many(jobs, 3, fair_key="anna")
    await _add_many(jobs, 3, fair_key="anna", priority=5)
    await _add_many(jobs, 3, fair_key="bela", priority=2)

    claimed = [job.id for job in await _claim(jobs, 5)]

    assert sorted(claimed) == [4, 5, 6, 7, 8]


async def test_a_job_whose_time_has_not_come_waits_and_holds_nobody_up(
    jobs: Any,
) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    await _add_many(jobs, 50, fair_key="anna", run_at=later, priority=9)
    await _add_many(jobs, 1, fair_key="anna")

    assert [job.id for job in await _claim(jobs, 10)] == [51]


async def test_a_kind_this_release_does_not_know_is_left_alone(jobs: Any) -> None:
    await _add_many(jobs, 3, kind="of_tomorrow")
    await _add_many(jobs, 1)

    assert [job.id for job in await _claim(jobs, 10)] == [4]


async def test_two_workers_never_get_the_same_job(jobs: Any) -> None:
    await _add_many(jobs, 100)

    claims = await asyncio.gather(*(_claim(jobs, 15) for _ in range(8)))

    ids = [job.id for claimed in claims for job in claimed]
    assert sorted(ids) == list(range(1, 101))
    assert {job.attempt for claimed in claims for job in claimed} == {1}


async def test_a_limit_holds_over_all_workers_and_blocks_nobody_else(
    jobs: Any,
) -> None:
    running, most = set[int](), 0
    table = jobs.database.infrastructure.jobs
    other = asyncio.Event()

    async def ask(job: Job) -> Effect | None:
        nonlocal most
        running.add(job.id)
        most = max(most, len(running))
        await other.wait()
        # Long enough for the others to start, were they let.
        await asyncio.sleep(0.02)
        running.remove(job.id)
        return None

    async def go(_: Job) -> Effect | None:
        other.set()
        return None

    kinds = (JobKind("ask", ask), JobKind("go", go))
    for _ in range(12):
        await jobs.add("ask", limit_key="archive")
    await jobs.add("go")
    options = {"kinds": kinds, "limits": jobs.bench.LIMITS, "concurrency": 6}
    async with jobs.worker(**options), jobs.worker(**options):

        async def all_done() -> bool:
            done = select(func.count()).where(table.c.state == "done")
            async with jobs.database.read() as connection:
                return bool(await connection.scalar(done) == 13)

        await jobs.until(all_done)

    assert most == 2


async def test_a_rate_spaces_the_starts(jobs: Any) -> None:
    limit = RateLimit("archive", concurrent=3, per_second=4.0)
    for _ in range(8):
        await jobs.add("record", limit_key="archive")
    async with jobs.worker(limits=(limit,)):
        rows = [await jobs.ended(job_id) for job_id in range(1, 9)]

    starts = sorted(row.started_at for row in rows)
    # The bucket holds three tokens, and gets four a second.
    for (i, first), (j, last) in combinations(enumerate(starts), 2):
        allowed = 3 + 4.0 * (last - first).total_seconds()
        assert j - i + 1 <= allowed + 0.2


async def test_a_claim_says_when_the_next_token_comes(jobs: Any) -> None:
    limit = RateLimit("archive", concurrent=5, per_second=0.1)
    claimant = Claimant("test", ("record",), {"archive": limit}, 60.0)
    await _add_many(jobs, 5, limit_key="archive")
    assert len(await _claim(jobs, 5, claimant)) == 1

    async with jobs.database.unit_of_work() as uow:
        claimed = await claim(uow, claimant, "default", 5)

    assert claimed.jobs == []
    assert claimed.next_token_s is not None
    assert 8 < claimed.next_token_s <= 10


async def test_a_second_job_of_the_same_key_is_none_while_the_first_is_open(
    jobs: Any,
) -> None:
    async def enqueue() -> int | None:
        async with jobs.database.unit_of_work() as uow:
            job_id: int | None = await uow.enqueue(NewJob("record", dedupe_key="one"))
            return job_id

    first = await enqueue()
    assert await enqueue() is None
    async with jobs.worker():
        await jobs.ended(first)
    second = await enqueue()
    assert second is not None
    assert second != first


async def test_a_job_may_ask_for_its_own_successor(jobs: Any) -> None:
    async def run(job: Job) -> Effect | None:
        async def effect(uow: UnitOfWork) -> None:
            turn = job.payload["turn"]
            if turn < 3:
                await uow.enqueue(
                    NewJob("chain", payload={"turn": turn + 1}, dedupe_key="chain")
                )

        return effect

    await jobs.add("chain", payload={"turn": 1}, dedupe_key="chain")
    async with jobs.worker(kinds=[JobKind("chain", run)]):

        async def third_is_done() -> bool:
            table = jobs.database.infrastructure.jobs
            statement = select(table.c.payload["turn"].as_integer()).where(
                table.c.state == "done"
            )
            async with jobs.database.read() as connection:
                done = (await connection.scalars(statement)).all()
            return sorted(done) == [1, 2, 3]

        await jobs.until(third_is_done)
