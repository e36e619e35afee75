"""What people (and use cases) do to jobs: look, replay, cancel."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import func

from bhtom_runtime.database import Database
from bhtom_runtime.errors import Conflict, NotFound
from bhtom_runtime.tables import Infrastructure
from bhtom_runtime.unit_of_work import UnitOfWork

STATES: Final = ("ready", "running", "done", "dead", "cancelled")
REPLAY_ATTEMPTS: Final = 3


async def list_jobs(
    database: Database,
    *,
    state: str | None = None,
    kind: str | None = None,
    limit: int = 50,
) -> Sequence[Row[Any]]:
    """The newest jobs of a state and kind."""
    jobs = database.infrastructure.jobs
    statement = select(jobs).order_by(jobs.c.id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(jobs.c.state == state)
    if kind is not None:
        statement = statement.where(jobs.c.kind == kind)
    async with database.read() as connection:
        return (await connection.execute(statement)).all()


async def find_job(database: Database, job_id: int) -> Row[Any]:
    """One job with all that is known of it."""
    jobs = database.infrastructure.jobs
    async with database.read() as connection:
        row = (
            await connection.execute(select(jobs).where(jobs.c.id == job_id))
        ).one_or_none()
    if row is None:
        raise NotFound(f"There is no job {job_id} here.")
    return row


async def replay(database: Database, job_id: int) -> None:
    """Let a dead or cancelled job run again, with some attempts more.

    The attempt's number goes on: a frozen worker may still hold an old one.
    """
    jobs = database.infrastructure.jobs
    statement = (
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.in_(("dead", "cancelled")))
        .values(
            state="ready",
            run_at=func.now(),
            finished_at=None,
            worker=None,
            max_attempts=func.greatest(
                jobs.c.max_attempts, jobs.c.attempt + REPLAY_ATTEMPTS
            ),
        )
    )
    try:
        async with database.unit_of_work() as uow:
            replayed = (await uow.execute(statement)).rowcount
            uow.wake()
    except IntegrityError as error:
        raise Conflict(
            f"Job {job_id} is not needed: a newer one for the same thing waits or runs."
        ) from error
    if not replayed:
        row = await find_job(database, job_id)
        raise Conflict(
            f"Job {job_id} is {row.state}: only dead and cancelled jobs are replayed."
        )


async def cancel(uow: UnitOfWork, tables: Infrastructure, job_id: int) -> bool:
    """Make a job not run, or its running attempt end without effect.

    Its `on_dead` is not called. Says whether there was anything to cancel.
    """
    jobs = tables.jobs
    statement = (
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.in_(("ready", "running")))
        .values(state="cancelled", finished_at=func.now(), lease_until=None)
    )
    return bool((await uow.execute(statement)).rowcount)
