"""A small service with jobs of every temper; as a program, one of its workers."""

import asyncio
import os
import signal
import sys

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Integer,
    Table,
    Text,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import insert as insert_or_keep

from bhtom_runtime.database import Database
from bhtom_runtime.jobs import PermanentFailure, Postpone, Retry, fence
from bhtom_runtime.jobs.worker import Worker
from bhtom_runtime.logs import configure_logs
from bhtom_runtime.notifications import Notifications
from bhtom_runtime.service import Effect, Job, JobKind, RateLimit
from bhtom_runtime.tables import infrastructure, service_metadata
from bhtom_runtime.unit_of_work import UnitOfWork

LEASE_S = 1.0
METADATA = service_metadata("core")
INFRASTRUCTURE = infrastructure(METADATA)
LIMITS = (RateLimit("archive", concurrent=2, per_second=1000.0),)


def _diary(name: str) -> Table:
    return Table(
        name,
        METADATA,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("job_id", BigInteger, nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("note", Text, nullable=False),
    )


STARTS = _diary("starts")
EFFECTS = _diary("effects")
DEATHS = _diary("deaths")
GATES = Table("gates", METADATA, Column("name", Text, primary_key=True))


def open_database(url: str) -> Database:
    """The service's database."""
    return Database(url, INFRASTRUCTURE, pool_size=10)


async def note(uow: UnitOfWork, diary: Table, job: Job, text: str) -> None:
    """Write a line into a diary."""
    values = {"job_id": job.id, "attempt": job.attempt, "note": text}
    await uow.execute(insert(diary).values(values))


async def open_gate(database: Database, name: str) -> None:
    """Let the jobs go on that wait at a gate."""
    async with database.unit_of_work() as uow:
        await uow.execute(insert_or_keep(GATES).values(name=name))


class Kinds:
    """The kinds of job; each writes down its start, its effect and its death."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[JobKind, ...]:
        """What a worker is given."""
        return (
            JobKind("record", self.record, on_dead=self.bury),
            JobKind("gated", self.gated, on_dead=self.bury, timeout_s=60.0),
            JobKind("poison", self.poison, on_dead=self.bury),
            JobKind("short", self.gated, on_dead=self.bury, timeout_s=0.05),
            JobKind("failing", self.failing, on_dead=self.bury),
        )

    async def record(self, job: Job) -> Effect:
        """A job without work: only its effect."""
        return self._effect(job)

    async def gated(self, job: Job) -> Effect:
        """A job that takes until its gate is open."""
        async with self._database.unit_of_work() as uow:
            await note(uow, STARTS, job, str(os.getpid()))
            uow.wake()
        gate = select(GATES).where(GATES.c.name == job.payload["gate"])
        while True:
            async with self._database.read() as connection:
                if (await connection.execute(gate)).first() is not None:
                    return self._effect(job)
            await asyncio.sleep(0.02)

    async def poison(self, job: Job) -> Effect:
        """A job that kills its worker."""
        async with self._database.unit_of_work() as uow:
            await note(uow, STARTS, job, str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
        return self._effect(job)

    async def failing(self, job: Job) -> Effect:
        """A job that fails as its payload says, until its last attempt but none."""
        async with self._database.unit_of_work() as uow:
            await note(uow, STARTS, job, job.payload["how"])
        match job.payload["how"]:
            case "retry":
                raise Retry("The archive rests.", after_s=0.0)
            case "postpone" if await self._starts(job) < 8:
                raise Postpone("The catalogue is not here yet.", after_s=0.0)
            case "permanent":
                raise PermanentFailure("No archive knows this star.")
            case "error":
                raise ZeroDivisionError("by nothing")
            case "effect":
                return self._failing_effect(job)
        return self._effect(job)

    async def bury(self, uow: UnitOfWork, job: Job, error: str) -> None:
        """What the death of a job means here."""
        await note(uow, DEATHS, job, error)

    async def _starts(self, job: Job) -> int:
        statement = select(STARTS).where(STARTS.c.job_id == job.id)
        async with self._database.read() as connection:
            return len((await connection.execute(statement)).all())

    def _effect(self, job: Job) -> Effect:
        async def effect(uow: UnitOfWork) -> None:
            await note(uow, EFFECTS, job, str(os.getpid()))
            uow.wake()

        return effect

    def _failing_effect(self, job: Job) -> Effect:
        async def effect(uow: UnitOfWork) -> None:
            await note(uow, EFFECTS, job, "must be rolled back")
            raise ValueError("The result does not fit.")

        return effect


async def _no_fence(*_: object) -> None:
    """The control: what happens to results when nobody asks whose the job is."""


async def main() -> None:
    """Work until SIGTERM."""
    configure_logs("worker", "info")
    database = open_database(os.environ["DATABASE_URL"])
    notifications = Notifications(database)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    vars(fence)["FIRST_PAUSE_S"] = 0.05
    if "--unfenced" in sys.argv:
        vars(fence)["complete"] = _no_fence
    kinds = Kinds(database).all()
    worker = Worker(database, kinds, notifications=notifications, lease_s=LEASE_S)
    async with asyncio.TaskGroup() as group:
        group.create_task(notifications.run(stop))
        group.create_task(worker.run(stop))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main())
