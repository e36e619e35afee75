"""How attempts end: done, again, later, dead; always one transaction."""

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY

from bhtom_runtime.jobs.control import cancel
from bhtom_runtime.service import Effect, Job, JobKind
from bhtom_runtime.tracing import current_trace_id, new_traceparent, traced
from bhtom_runtime.unit_of_work import NewJob, UnitOfWork


async def _after_failing(jobs: Any, how: str, state: str, **values: Any) -> Any:
    job_id = await jobs.add("failing", payload={"how": how}, **values)
    async with jobs.worker():
        row = await jobs.ended(job_id, state)
    starts = await jobs.diary(jobs.bench.STARTS, job_id)
    return row, [start.attempt for start in starts]


async def test_retry_counts_its_attempts_and_then_the_job_is_dead(jobs: Any) -> None:
    row, attempts = await _after_failing(jobs, "retry", "dead", max_attempts=3)

    assert attempts == [1, 2, 3]
    assert row.error == "The archive rests."
    (death,) = await jobs.diary(jobs.bench.DEATHS)
    assert death.note == "The archive rests."
    assert await jobs.diary(jobs.bench.EFFECTS) == []


async def test_postpone_does_not_count(jobs: Any) -> None:
    row, attempts = await _after_failing(jobs, "postpone", "done", max_attempts=2)

    assert attempts == [1] * 8
    assert row.error is None
    assert len(await jobs.diary(jobs.bench.EFFECTS)) == 1


async def test_a_permanent_failure_is_dead_at_once(jobs: Any) -> None:
    row, attempts = await _after_failing(jobs, "permanent", "dead", max_attempts=5)

    assert attempts == [1]
    assert row.error == "No archive knows this star."
    assert len(await jobs.diary(jobs.bench.DEATHS)) == 1


@pytest.mark.usefixtures("fast_retries")
async def test_any_other_error_is_tried_again_and_told(jobs: Any) -> None:
    row, attempts = await _after_failing(jobs, "error", "dead", max_attempts=2)

    assert attempts == [1, 2]
    assert row.error.startswith("ZeroDivisionError: by nothing (in failing, line ")


async def test_a_failed_attempt_waits_longer_each_time(jobs: Any) -> None:
    job_id = await jobs.add("failing", payload={"how": "error"})
    async with jobs.worker():
        await jobs.started(job_id)
        row = await jobs.ended(job_id, "ready")

    pause = (row.run_at - row.started_at).total_seconds()
    assert pause >= 0.75 * 2.0


@pytest.mark.usefixtures("fast_retries")
async def test_an_effect_that_fails_leaves_nothing(jobs: Any) -> None:
    row, attempts = await _after_failing(jobs, "effect", "dead", max_attempts=2)

    assert attempts == [1, 2]
    assert "The result does not fit." in row.error
    assert await jobs.diary(jobs.bench.EFFECTS) == []


async def test_a_job_that_takes_too_long_is_stopped(jobs: Any) -> None:
    job_id = await jobs.add("short", payload={"gate": "never"}, max_attempts=1)
    async with jobs.worker():
        row = await jobs.ended(job_id, "dead")

    assert row.error == "It took longer than 0.05 s."


async def test_a_cancelled_running_job_has_no_effect(jobs: Any) -> None:
    job_id = await jobs.add("gated", payload={"gate": "open"})
    async with jobs.worker():
        await jobs.started(job_id)
        async with jobs.database.unit_of_work() as uow:
            assert await cancel(uow, jobs.database.infrastructure, job_id)
        await jobs.bench.open_gate(jobs.database, "open")
        follower = await jobs.add("record")
        await jobs.ended(follower)

    assert (await jobs.row(job_id)).state == "cancelled"
    assert await jobs.diary(jobs.bench.EFFECTS, job_id) == []
    assert await jobs.diary(jobs.bench.DEATHS) == []


async def test_a_cancelled_job_that_never_ends_is_stopped(jobs: Any) -> None:
    stopped = asyncio.Event()

    async def run(_: Job) -> Effect | None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return None

    job_id = await jobs.add("endless")
    async with jobs.worker(kinds=[JobKind("endless", run)], lease_s=0.4):
        await jobs.ended(job_id, "running")
        async with jobs.database.unit_of_work() as uow:
            assert await cancel(uow, jobs.database.infrastructure, job_id)
        await asyncio.wait_for(stopped.wait(), 30)


async def test_a_burial_that_fails_is_done_again(
    jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bhtom_runtime.jobs.leases.LOOK_AGAIN_S", 0.2)
    broken = True

    async def run(_: Job) -> Effect | None:
        raise ValueError("No.")

    async def bury(uow: UnitOfWork, job: Job, error: str) -> None:
        await jobs.bench.note(uow, jobs.bench.DEATHS, job, error)
        if broken:
            raise KeyError("on_dead has a bug")

    job_id = await jobs.add("doomed", max_attempts=1)
    kind = JobKind("doomed", run, on_dead=bury)
    async with jobs.worker(kinds=[kind], lease_s=0.4) as worker:

        async def is_told() -> bool:
            return "cannot be buried" in (worker.health() or "")

        await jobs.until(is_told)
        assert (await jobs.row(job_id)).state == "running"
        assert await jobs.diary(jobs.bench.DEATHS) == []
        broken = False
        await jobs.ended(job_id, "dead")

    assert len(await jobs.diary(jobs.bench.DEATHS)) == 1


async def test_a_job_goes_on_with_the_trace_that_asked_for_it(jobs: Any) -> None:
    seen: list[str | None] = []

    async def run(_: Job) -> Effect | None:
        seen.append(current_trace_id())

        async def effect(_: UnitOfWork) -> None:
            seen.append(current_trace_id())

        return effect

    trace_id = "ab" * 16
    with traced(new_traceparent(trace_id)):
        async with jobs.database.unit_of_work() as uow:
            job_id = await uow.enqueue(NewJob("traced"))
    async with jobs.worker(kinds=[JobKind("traced", run)]):
        await jobs.ended(job_id)

    assert seen == [trace_id, trace_id]


async def test_deaths_are_counted(jobs: Any) -> None:
    labels = {"service": "core", "kind": "failing"}

    def deaths() -> float:
        return REGISTRY.get_sample_value("bhtom_job_deaths_total", labels) or 0.0

    before = deaths()
    await _after_failing(jobs, "permanent", "dead")
    assert deaths() == before + 1
