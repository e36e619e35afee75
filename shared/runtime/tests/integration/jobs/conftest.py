"""A service's schema with jobs, workers in this process, and workers to be killed."""

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Row, Table, select, text

from bhtom_runtime.database import Database
from bhtom_runtime.jobs.worker import Worker
from bhtom_runtime.notifications import Notifications
from bhtom_runtime.unit_of_work import NewJob

PROGRAM = Path(__file__).with_name("jobs_under_test.py")
PATIENCE_S = 60


@pytest.fixture(scope="session")
def bench() -> ModuleType:
    """The service under test."""
    spec = importlib.util.spec_from_file_location("jobs_under_test", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["jobs_under_test"] = module
    spec.loader.exec_module(module)
    return module


@dataclass
class Jobs:
    """The jobs of one test, and what it asks about them."""

    database: Database
    notifications: Notifications
    bench: ModuleType
    url: str

    async def add(self, kind: str = "record", **values: Any) -> int:
        """Enqueue one job."""
        async with self.database.unit_of_work() as uow:
            job_id = await uow.enqueue(NewJob(kind, **values))
        assert job_id is not None
        return job_id

    async def row(self, job_id: int) -> Row[Any]:
        """A job as it is now."""
        jobs = self.database.infrastructure.jobs
        async with self.database.read() as connection:
            found = await connection.execute(select(jobs).where(jobs.c.id == job_id))
            return found.one()

    async def diary(self, table: Table, job_id: int | None = None) -> list[Row[Any]]:
        """The lines of a diary, of all jobs or of one."""
        statement = select(table).order_by(table.c.id)
        if job_id is not None:
            statement = statement.where(table.c.job_id == job_id)
        async with self.database.read() as connection:
            return list((await connection.execute(statement)).all())

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Wait for a condition on the database."""
        async with asyncio.timeout(PATIENCE_S):
            # Polled: not every change that a test waits for is told of.
            while not await holds():  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def ended(self, job_id: int, state: str = "done") -> Row[Any]:
        """The job, once it is in this state."""

        async def is_there() -> bool:
            return bool((await self.row(job_id)).state == state)

        await self.until(is_there)
        return await self.row(job_id)

    async def started(self, job_id: int, times: int = 1) -> list[Row[Any]]:
        """The starts of a gated job, once there are so many."""

        async def often_enough() -> bool:
            return len(await self.diary(self.bench.STARTS, job_id)) >= times

        await self.until(often_enough)
        return await self.diary(self.bench.STARTS, job_id)

    def worker(
        self, *, kinds: Any = None, **options: Any
    ) -> AbstractAsyncContextManager[Worker]:
        """A worker in this process, which stops in order at the end of the block."""
        worker = Worker(
            self.database,
            self.bench.Kinds(self.database).all() if kinds is None else kinds,
            notifications=self.notifications,
            **{"lease_s": self.bench.LEASE_S, **options},
        )
        return _running(worker)


@asynccontextmanager
async def _running(worker: Worker) -> AsyncIterator[Worker]:
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        stop.set()
        await task


@pytest.fixture(scope="module")
async def schema(service_database: Callable[[str], str], bench: ModuleType) -> str:
    """Address of a schema with the service's tables."""
    url = service_database("core")
    database = bench.open_database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(bench.METADATA.create_all)
    await database.close()
    return url


@pytest.fixture
async def jobs(schema: str, bench: ModuleType) -> AsyncIterator[Jobs]:
    """Empty tables, and somebody who listens."""
    database = bench.open_database(schema)
    names = ", ".join(f'"{table.name}"' for table in bench.METADATA.sorted_tables)
    async with database.unit_of_work() as uow:
        await uow.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
        await uow.execute(text("INSERT INTO database_epoch DEFAULT VALUES"))
    notifications = Notifications(database)
    stop = asyncio.Event()
    listening = asyncio.create_task(notifications.run(stop))
    await notifications.listening()
    yield Jobs(database, notifications, bench, schema)
    stop.set()
    await listening
    await database.close()


@pytest.fixture
def fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a test can wait for."""
    monkeypatch.setattr("bhtom_runtime.jobs.fence.FIRST_PAUSE_S", 0.01)


class WorkerProcess:
    """A worker in a process of its own."""

    def __init__(self, url: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *arguments],
            env={**os.environ, "DATABASE_URL": url},
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def gone(self) -> int:
        """Its status, once it has ended."""
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.to_thread(self._process.wait)

    async def said(self, word: str) -> str:
        """The first line of its log from here on that has this word."""

        def read() -> str:
            assert self._process.stdout is not None
            return next((line for line in self._process.stdout if word in line), "")

        async with asyncio.timeout(PATIENCE_S):
            line = await asyncio.to_thread(read)
        assert line, f"the worker never said {word!r}"
        return line

    def end(self) -> None:
        """Leave nothing behind."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def start_worker(jobs: Jobs) -> Iterator[Callable[..., WorkerProcess]]:
    """Starts workers in processes of their own."""
    started: list[WorkerProcess] = []

    def start(*arguments: str) -> WorkerProcess:
        started.append(WorkerProcess(jobs.url, *arguments))
        return started[-1]

    yield start
    for process in started:
        process.end()
