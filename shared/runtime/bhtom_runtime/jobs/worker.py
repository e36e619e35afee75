"""Runs a service's jobs: claims, keeps leases, rescues, fires crons, stops in order."""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import structlog

from bhtom_runtime.database import Database
from bhtom_runtime.jobs import cron, leases
from bhtom_runtime.jobs.backlog import Backlog
from bhtom_runtime.jobs.claim import Claimant
from bhtom_runtime.jobs.errors import DATABASE_TROUBLE, sentence_of
from bhtom_runtime.jobs.lane import Attempt, Lane
from bhtom_runtime.jobs.runner import JobRunner
from bhtom_runtime.notifications import Notifications
from bhtom_runtime.service import Cron, JobKind, RateLimit
from bhtom_runtime.waiting import back_off_s, first_of

_logger = structlog.get_logger(__name__)

STOP_GRACE_S: Final = 5.0
_BACKLOG_TICK_S: Final = 15.0

Step = Callable[[], Awaitable[float]]
"""Does one round, and gives the seconds to the next."""


class Worker:
    """A process's share of its service's jobs, `concurrency` at a time in each queue.

    Any number of workers may run, in any number of processes.
    """

    def __init__(
        self,
        database: Database,
        kinds: Iterable[JobKind],
        crons: Iterable[Cron] = (),
        limits: Iterable[RateLimit] = (),
        *,
        notifications: Notifications,
        concurrency: int = 4,
        lease_s: float = 15.0,
        stop_grace_s: float = STOP_GRACE_S,
    ) -> None:
        self._database = database
        self._kinds = {kind.name: kind for kind in kinds}
        self._crons = tuple(crons)
        self._notifications = notifications
        self._lease_s = lease_s
        self._stop_grace_s = stop_grace_s
        self._problems: dict[str, str] = {}
        self._suspects: frozenset[Attempt] = frozenset()
        self._unburied_at = 0.0
        self._registered = False
        limit_of = {limit.key: limit for limit in limits}
        _check(self._kinds, self._crons, limit_of)
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        claimant = Claimant(self.name, tuple(self._kinds), limit_of, lease_s)
        runner = JobRunner(database, self._kinds)
        queues = {"default"} | {kind.queue for kind in self._kinds.values()}
        self._lanes = [
            Lane(database, claimant, runner, queue, concurrency)
            for queue in sorted(queues)
        ]
        self._backlog = Backlog(database, queues, self._kinds)

    def health(self) -> str | None:
        """None when jobs are being worked on, else what keeps them from it."""
        return " ".join(self._problems.values()) or None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; then let running jobs end, or give them back."""
        never = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                background = [
                    group.create_task(self._listen()),
                    group.create_task(self._repeat("leases", self._keep_leases, never)),
                    group.create_task(self._repeat("rescue", self._rescue, never)),
                    group.create_task(self._repeat("backlog", self._measure, never)),
                ]
                working = [
                    group.create_task(
                        self._repeat(lane.queue, _turns(lane, stop), stop)
                    )
                    for lane in self._lanes
                ]
                working.append(
                    group.create_task(self._repeat("crons", self._fire_crons, stop))
                )
                await asyncio.wait(working)
                await asyncio.gather(
                    *(lane.drain(self._stop_grace_s) for lane in self._lanes)
                )
                for task in background:
                    task.cancel()
        finally:
            await asyncio.gather(*(lane.give_back() for lane in self._lanes))

    async def _repeat(self, name: str, step: Step, stop: asyncio.Event) -> None:
        """Do a step again and again; wait out a database that is away."""
        failures = 0
        while not stop.is_set():
            try:
                pause_s = await step()
            except DATABASE_TROUBLE as error:
                failures += 1
                pause_s = back_off_s(failures, longest_s=5.0)
                self._problems[name] = (
                    f"The database does not let the jobs' {name} go on: "
                    f"{sentence_of(error)}."
                )
                _logger.warning("jobs_hindered", step=name, reason=sentence_of(error))
            else:
                failures = 0
                self._problems.pop(name, None)
            if pause_s > 0:
                await first_of(stop, timeout_s=pause_s)

    async def _listen(self) -> None:
        async for _ in self._notifications.subscribe():
            for lane in self._lanes:
                lane.wake()

    async def _keep_leases(self) -> float:
        """Renew the leases, on a connection that nothing else can be waiting for."""
        async with self._database.read() as connection:
            while True:
                await asyncio.sleep(self._lease_s / 4)
                jobs = [job for lane in self._lanes for job in lane.jobs]
                if jobs:
                    async with asyncio.timeout(self._lease_s):
                        lost = await leases.extend(connection, jobs, self._lease_s)
                    self._give_up(lost)
                self._problems.pop("leases", None)

    def _give_up(self, lost: frozenset[Attempt]) -> None:
        """Stop jobs that were lost; a single look may find one that just ended."""
        for lane in self._lanes:
            lane.cancel(lost & self._suspects)
        self._suspects = lost

    async def _rescue(self) -> float:
        problem = await leases.rescue(self._database, self._kinds)
        now = time.monotonic()
        if problem:
            self._problems["burials"], self._unburied_at = problem, now
        elif now - self._unburied_at > 1.5 * leases.LOOK_AGAIN_S:
            self._problems.pop("burials", None)
        return self._lease_s / 4

    async def _measure(self) -> float:
        await self._backlog.measure()
        return _BACKLOG_TICK_S

    async def _fire_crons(self) -> float:
        if not self._registered:
            await cron.register(self._database, self._crons)
            self._registered = True
        next_s = await cron.fire_due(self._database, self._crons, self._kinds)
        return min(cron.LONGEST_SLEEP_S, max(0.01, next_s))


def _turns(lane: Lane, stop: asyncio.Event) -> Step:
    async def step() -> float:
        await lane.turn(stop)
        return 0.0

    return step


def _check(
    kinds: Mapping[str, JobKind], crons: Iterable[Cron], limits: Mapping[str, RateLimit]
) -> None:
    for item in crons:
        if item.kind not in kinds:
            raise ValueError(f"The cron {item.name} names no job kind: {item.kind}.")
        if item.every.total_seconds() < 1:
            raise ValueError(f"The cron {item.name} fires more than once a second.")
    for limit in limits.values():
        if limit.concurrent < 1 or limit.per_second <= 0:
            raise ValueError(f"The limit {limit.key} would let no job start.")
