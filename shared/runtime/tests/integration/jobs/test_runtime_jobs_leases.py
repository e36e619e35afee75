"""Those who work keep their jobs, however long they take."""

import asyncio
from datetime import datetime
from typing import Any

from bhtom_runtime.service import Effect, Job, JobKind
from bhtom_runtime.unit_of_work import UnitOfWork


async def _renewed(jobs: Any, job_id: int, times: int) -> None:
    """Return when a job's lease was seen to grow so often."""
    seen: set[datetime] = set()

    async def often_enough() -> bool:
        lease = (await jobs.row(job_id)).lease_until
        if lease is not None:
            seen.add(lease)
        return len(seen) > times

    await jobs.until(often_enough)


async def test_a_long_job_keeps_its_lease_beside_another_worker(jobs: Any) -> None:
    job_id = await jobs.add("gated", payload={"gate": "open"})
    async with jobs.worker(lease_s=0.4), jobs.worker(lease_s=0.4):
        await jobs.started(job_id)
        await _renewed(jobs, job_id, 12)  # three leases long
        await jobs.bench.open_gate(jobs.database, "open")
        row = await jobs.ended(job_id)

    assert row.attempt == 1
    assert len(await jobs.diary(jobs.bench.STARTS)) == 1


async def test_an_open_result_transaction_does_not_cost_other_leases(
    jobs: Any,
) -> None:
    writing = asyncio.Event()
    go_on = asyncio.Event()

    async def run(_: Job) -> Effect | None:
        async def effect(_: UnitOfWork) -> None:
            writing.set()
            await go_on.wait()

        return effect

    kinds = [JobKind("slow_writer", run), *jobs.bench.Kinds(jobs.database).all()]
    writer = await jobs.add("slow_writer")
    other = await jobs.add("gated", payload={"gate": "open"})
    async with jobs.worker(kinds=kinds, lease_s=0.4):
        await writing.wait()
        await _renewed(jobs, other, 12)
        go_on.set()
        await jobs.bench.open_gate(jobs.database, "open")
        rows = [await jobs.ended(writer), await jobs.ended(other)]

    assert [row.attempt for row in rows] == [1, 1]


async def test_a_worker_goes_on_when_its_connections_are_cut(jobs: Any) -> None:
    first = await jobs.add("gated", payload={"gate": "open"})
    async with jobs.worker(lease_s=5.0):
        await jobs.started(first)
        async with jobs.database.read() as connection:
            await connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE usename = current_user AND pid <> pg_backend_pid()"
            )
        second = await jobs.add("record")
        await jobs.ended(second)
        await jobs.bench.open_gate(jobs.database, "open")
        await jobs.until(lambda: _is_over(jobs, first))

    assert len(await jobs.diary(jobs.bench.EFFECTS, first)) == 1


async def _is_over(jobs: Any, job_id: int) -> bool:
    return bool((await jobs.row(job_id)).state == "done")
