"""Whether frames are being reduced, wherever the workers run."""

from datetime import timedelta
from typing import Final

from sqlalchemy import func, select

from bhtom_cpcs.calibrations.service import REDUCTIONS
from bhtom_runtime.database import Database

_TOO_LONG: Final = timedelta(minutes=1)


async def reductions_stand_still(database: Database) -> str | None:
    """A sentence when frames wait and no worker has one."""
    jobs = database.infrastructure.jobs
    here = jobs.c.queue == REDUCTIONS
    waiting = select(func.count()).where(
        here, jobs.c.state == "ready", jobs.c.run_at < func.now() - _TOO_LONG
    )
    running = select(func.count()).where(
        here, jobs.c.state == "running", jobs.c.lease_until > func.now()
    )
    statement = select(
        waiting.scalar_subquery().label("waiting"),
        running.scalar_subquery().label("running"),
    )
    async with database.read() as connection:
        row = (await connection.execute(statement)).one()
    if row.waiting and not row.running:
        return f"{row.waiting} frames wait and no worker reduces one: is it running?"
    return None
