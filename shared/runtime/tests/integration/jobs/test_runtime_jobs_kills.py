"""Workers are killed and frozen; results come exactly once."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from bhtom_runtime.jobs.worker import Worker

Start = Callable[..., Any]


async def test_a_killed_workers_job_is_done_once_by_another(
    jobs: Any, start_worker: Start
) -> None:
    first = start_worker()
    job_id = await jobs.add("gated", payload={"gate": "open"})
    (start,) = await jobs.started(job_id)
    assert start.note == str(first.pid)

    first.send(signal.SIGKILL)
    await first.gone()
    second = start_worker()
    starts = await jobs.started(job_id, 2)
    await jobs.bench.open_gate(jobs.database, "open")

    row = await jobs.ended(job_id)
    effects = await jobs.diary(jobs.bench.EFFECTS)
    assert [(start.attempt, start.note) for start in starts] == [
        (1, str(first.pid)),
        (2, str(second.pid)),
    ]
    assert [(effect.job_id, effect.attempt) for effect in effects] == [(job_id, 2)]
    assert row.attempt == 2


async def _freeze_and_resume(jobs: Any, start_worker: Start, *arguments: str) -> Any:
    """A worker sleeps past its lease, and finds its job's gate open on waking up."""
    zombie = start_worker(*arguments)
    job_id = await jobs.add("gated", payload={"gate": "open"})
    await jobs.started(job_id)
    zombie.send(signal.SIGSTOP)
    start_worker()
    await jobs.started(job_id, 2)
    await jobs.bench.open_gate(jobs.database, "open")
    await jobs.ended(job_id)
    zombie.send(signal.SIGCONT)
    return zombie, job_id


async def test_a_frozen_workers_result_is_rolled_back(
    jobs: Any, start_worker: Start
) -> None:
    zombie, job_id = await _freeze_and_resume(jobs, start_worker)

    ended = await zombie.said("job_ended")

    assert '"outcome": "lost"' in ended
    effects = await jobs.diary(jobs.bench.EFFECTS)
    assert [(effect.job_id, effect.attempt) for effect in effects] == [(job_id, 2)]


async def test_control_without_the_fence_a_frozen_worker_doubles(
    jobs: Any, start_worker: Start
) -> None:
    zombie, _ = await _freeze_and_resume(jobs, start_worker, "--unfenced")

    await zombie.said("job_ended")

    effects = await jobs.diary(jobs.bench.EFFECTS)
    assert sorted(effect.attempt for effect in effects) == [1, 2]


async def test_a_job_that_kills_its_workers_ends_dead(
    jobs: Any, start_worker: Start
) -> None:
    job_id = await jobs.add("poison", max_attempts=3)
    harmless = await jobs.add("record")
    for _ in range(3):
        process = start_worker()
        assert await process.gone() == -signal.SIGKILL

    start_worker()
    row = await jobs.ended(job_id, "dead")

    assert len(await jobs.diary(jobs.bench.STARTS, job_id)) == 3
    (death,) = await jobs.diary(jobs.bench.DEATHS)
    assert (death.job_id, death.attempt) == (job_id, 3)
    assert "died or froze during attempt 3" in row.error
    assert "died or froze during attempt 2" in row.error
    assert death.note == row.error
    await jobs.ended(harmless)


async def test_a_stopping_worker_lets_its_job_end(
    jobs: Any, start_worker: Start
) -> None:
    process = start_worker()
    job_id = await jobs.add("gated", payload={"gate": "open"})
    await jobs.started(job_id)
    process.send(signal.SIGTERM)
    await jobs.bench.open_gate(jobs.database, "open")

    assert await process.gone() == 0
    row = await jobs.row(job_id)
    assert (row.state, row.attempt) == ("done", 1)


async def test_a_job_that_outlasts_the_stop_is_given_back(jobs: Any) -> None:
    job_id = await jobs.add("gated", payload={"gate": "open"})
    async with jobs.worker(stop_grace_s=0.05):
        await jobs.started(job_id)

    row = await jobs.row(job_id)
    assert (row.state, row.attempt, row.lease_until) == ("ready", 0, None)

    await jobs.bench.open_gate(jobs.database, "open")
    async with jobs.worker():
        row = await jobs.ended(job_id)
    assert row.attempt == 1
    assert len(await jobs.diary(jobs.bench.EFFECTS, job_id)) == 1


async def test_a_cancelled_worker_gives_its_jobs_back(jobs: Any) -> None:
    job_id = await jobs.add("gated", payload={"gate": "never"})
    kinds = jobs.bench.Kinds(jobs.database).all()
    worker = Worker(jobs.database, kinds, notifications=jobs.notifications)
    working = asyncio.create_task(worker.run(asyncio.Event()))
    await jobs.started(job_id)

    working.cancel()
    await asyncio.wait([working])

    row = await jobs.row(job_id)
    assert (row.state, row.attempt) == ("ready", 0)
