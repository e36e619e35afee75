"""`jobs list|show|replay|cancel`: the jobs of a service at the command line."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import click
from sqlalchemy import Row

from bhtom_runtime.database import Database
from bhtom_runtime.errors import ServiceError
from bhtom_runtime.jobs import control
from bhtom_runtime.jobs.errors import DATABASE_TROUBLE, sentence_of
from bhtom_runtime.service import Service

Result = TypeVar("Result")


def jobs_group(service: Service) -> click.Group:
    """The commands, for the program of a service."""

    @click.group(name="jobs")
    def jobs() -> None:
        """Look at the service's jobs, replay dead ones, cancel others."""

    def run(action: Callable[[Database], Awaitable[Result]]) -> Result:
        return asyncio.run(_with_database(service, action))

    @jobs.command(name="list")
    @click.option("--state", type=click.Choice(control.STATES))
    @click.option("--kind")
    @click.option("--limit", default=50, show_default=True)
    def list_jobs(state: str | None, kind: str | None, limit: int) -> None:
        """List the newest jobs."""
        rows = run(
            lambda database: control.list_jobs(
                database, state=state, kind=kind, limit=limit
            )
        )
        for row in rows:
            click.echo(_line(row))

    @jobs.command()
    @click.argument("job_id", type=int)
    def show(job_id: int) -> None:
        """Show all that is known of a job."""
        row = run(lambda database: control.find_job(database, job_id))
        for name, value in row._mapping.items():
            click.echo(f"{name:12} {'' if value is None else value}")

    @jobs.command()
    @click.argument("job_ids", type=int, nargs=-1, required=True)
    def replay(job_ids: tuple[int, ...]) -> None:
        """Let dead or cancelled jobs run again."""
        for job_id in job_ids:
            run(partial(control.replay, job_id=job_id))
            click.echo(f"Job {job_id} is ready again.")

    @jobs.command()
    @click.argument("job_ids", type=int, nargs=-1, required=True)
    def cancel(job_ids: tuple[int, ...]) -> None:
        """Cancel jobs that wait or run; a running one ends without effect."""
        for job_id in job_ids:
            found = run(partial(_cancel, job_id=job_id))
            click.echo(
                f"Job {job_id} is cancelled."
                if found
                else f"Job {job_id} was over already."
            )

    return jobs


async def _cancel(database: Database, job_id: int) -> bool:
    await control.find_job(database, job_id)
    async with database.unit_of_work() as uow:
        return await control.cancel(uow, database.infrastructure, job_id)


async def _with_database(
    service: Service, action: Callable[[Database], Awaitable[Result]]
) -> Result:
    url = os.environ.get("DATABASE_URL")
    if not url:
        raise click.ClickException("DATABASE_URL is missing: where is the database?")
    database = Database(url, service.infrastructure, pool_size=1)
    try:
        return await action(database)
    except ServiceError as error:
        raise click.ClickException(error.sentence) from error
    except DATABASE_TROUBLE as error:
        raise click.ClickException(
            f"The database refused. {sentence_of(error)}"
        ) from error
    finally:
        await database.close()


def _line(row: Row[Any]) -> str:
    error = f"  {row.error}" if row.error else ""
    return (
        f"{row.id:>8}  {row.state:<9}  {row.kind:<24}  "
        f"attempt {row.attempt}/{row.max_attempts}  "
        f"{row.created_at:%Y-%m-%d %H:%M:%S}{error}"
    )
