"""Jobs at intervals: each cron is one row, so it fires once in the whole cluster."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import text

from bhtom_runtime.database import Database
from bhtom_runtime.service import Cron, JobKind
from bhtom_runtime.unit_of_work import NewJob

# Above what users ask for: crons are few, short, and others wait for what they do.
CRON_PRIORITY: Final = 10
# Another release may shorten an interval meanwhile.
LONGEST_SLEEP_S: Final = 5.0

# A release that shortens an interval must not wait for the old one to pass.
_REGISTER: Final = text(
    """
    INSERT INTO crons AS cron (name, next_run_at)
    VALUES (:name, clock_timestamp())
    ON CONFLICT (name) DO UPDATE
    SET next_run_at = clock_timestamp() + make_interval(secs => :every_s)
    WHERE cron.next_run_at > clock_timestamp() + make_interval(secs => :every_s)
    """
)

_TIMES: Final = text(
    """
    SELECT name,
           CAST(extract(epoch FROM next_run_at - clock_timestamp()) AS float8)
               AS due_in_s
    FROM crons WHERE name = ANY(CAST(:names AS text[]))
    """
)

# The row's lock lets one worker through; the next one finds the time moved on. Runs
# that were missed while nobody worked are not made up for.
_FIRE: Final = text(
    """
    UPDATE crons
    SET last_run_at = clock_timestamp(),
        next_run_at = next_run_at + make_interval(secs => :every_s) * (1 + floor(
            extract(epoch FROM clock_timestamp() - next_run_at) / :every_s))
    WHERE name = :name AND next_run_at <= clock_timestamp()
    RETURNING name
    """
)


async def register(database: Database, crons: Sequence[Cron]) -> None:
    """Write the rows of new crons; those run at once."""
    async with database.unit_of_work() as uow:
        # In one order, so that workers that start together do not wait crosswise.
        for cron in sorted(crons, key=lambda cron: cron.name):
            every_s = cron.every.total_seconds()
            await uow.execute(_REGISTER, {"name": cron.name, "every_s": every_s})


async def fire_due(
    database: Database, crons: Sequence[Cron], kinds: Mapping[str, JobKind]
) -> float:
    """Write the jobs of the crons that are due; give the seconds to the next one.

    A cron whose last job is not finished yet skips its turn.
    """
    due_in_s = await _times(database, crons)
    if len(due_in_s) < len(crons):
        await register(database, crons)
        due_in_s = await _times(database, crons)
    for cron in crons:
        if due_in_s[cron.name] <= 0:
            await _fire(database, cron, kinds[cron.kind])
            due_in_s[cron.name] = cron.every.total_seconds()
    return min(due_in_s.values(), default=LONGEST_SLEEP_S)


async def _times(database: Database, crons: Sequence[Cron]) -> dict[str, float]:
    async with database.read() as connection:
        rows = await connection.execute(
            _TIMES, {"names": [cron.name for cron in crons]}
        )
        return {row.name: row.due_in_s for row in rows}


async def _fire(database: Database, cron: Cron, kind: JobKind) -> None:
    every_s = cron.every.total_seconds()
    async with database.unit_of_work() as uow:
        row = await uow.execute(_FIRE, {"name": cron.name, "every_s": every_s})
        if row.first() is None:
            return
        await uow.enqueue(
            NewJob(
                kind=kind.name,
                payload=cron.payload,
                queue=kind.queue,
                priority=CRON_PRIORITY,
                dedupe_key=f"cron {cron.name}",
            )
        )
