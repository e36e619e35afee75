"""One queue of a worker: so many jobs at a time, and a claim whenever one may start."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Final

import structlog

from bhtom_runtime.database import Database
from bhtom_runtime.job_metrics import WAIT_SECONDS
from bhtom_runtime.jobs import fence
from bhtom_runtime.jobs.claim import Claimant, Claimed, claim
from bhtom_runtime.jobs.errors import DATABASE_TROUBLE, LeaseLost
from bhtom_runtime.jobs.runner import JobRunner
from bhtom_runtime.service import Job
from bhtom_runtime.waiting import first_of

_logger = structlog.get_logger(__name__)

# Behind the notifications: for jobs whose time comes without anybody saying so.
POLL_S: Final = 1.0
_GIVE_BACK_S: Final = 2.0
_GATHER_S: Final = 0.005

Attempt = tuple[int, int]
"""Id and attempt of a job: one worker's, once."""


class Lane:
    """Runs the jobs of one queue."""

    def __init__(
        self,
        database: Database,
        claimant: Claimant,
        runner: JobRunner,
        queue: str,
        concurrency: int,
    ) -> None:
        self.queue = queue
        self._database = database
        self._claimant = claimant
        self._runner = runner
        self._concurrency = concurrency
        self._running: dict[Attempt, tuple[Job, asyncio.Task[None]]] = {}
        self._news = asyncio.Event()

    @property
    def jobs(self) -> list[Job]:
        """What runs now."""
        return [job for job, _ in self._running.values()]

    @property
    def _free(self) -> int:
        return self._concurrency - len(self._running)

    def wake(self) -> None:
        """Look for jobs now."""
        self._news.set()

    async def turn(self, stop: asyncio.Event) -> None:
        """Claim what may start; when there is nothing, wait for news."""
        self._news.clear()
        if 0 < self._free < self._concurrency / 2:
            # Short jobs end one after the other: claim for several of them at once.
            await first_of(stop, timeout_s=_GATHER_S)
        free, wait_s = self._free, POLL_S
        if free > 0:
            async with self._database.unit_of_work() as uow:
                claimed = await claim(uow, self._claimant, self.queue, free)
            self._start(claimed)
            if claimed.jobs:
                return  # there may be more behind them
            if claimed.next_token_s is not None:
                wait_s = min(wait_s, max(0.001, claimed.next_token_s))
        await first_of(self._news, stop, timeout_s=wait_s)

    def cancel(self, attempts: Collection[Attempt]) -> None:
        """Stop jobs that belong to this worker no more."""
        for attempt in attempts:
            if attempt in self._running:
                job, task = self._running[attempt]
                _logger.warning("job_stopped", job_id=job.id, attempt=job.attempt)
                task.cancel()

    async def drain(self, grace_s: float) -> None:
        """Let running jobs end; give back those that need longer."""
        tasks = [task for _, task in self._running.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        await self.give_back()

    async def give_back(self) -> None:
        """Stop what runs; other workers may have it at once."""
        interrupted = list(self._running.values())
        for _, task in interrupted:
            task.cancel()
        if not interrupted:
            return
        await asyncio.wait([task for _, task in interrupted])
        with suppress(*DATABASE_TROUBLE):  # then the leases run out
            async with asyncio.timeout(_GIVE_BACK_S):
                await self._release([job for job, _ in interrupted])

    async def _release(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            with suppress(LeaseLost):  # it ended after all
                async with self._database.unit_of_work() as uow:
                    await fence.release(uow, job)
                _logger.info("job_given_back", job_id=job.id, job_kind=job.kind)

    def _start(self, claimed: Claimed) -> None:
        for job, waited_s in zip(claimed.jobs, claimed.waited_s, strict=True):
            WAIT_SECONDS.labels(self._database.schema, job.kind).observe(waited_s)
            task = asyncio.create_task(self._run(job), name=f"job {job.id} {job.kind}")
            self._running[job.id, job.attempt] = (job, task)

    async def _run(self, job: Job) -> None:
        try:
            await self._runner.run(job)
        finally:
            del self._running[job.id, job.attempt]
            self._news.set()
