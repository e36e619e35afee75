"""Queries of the harvests."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Text, cast, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_harvester.tables import INFRASTRUCTURE, harvests, source_states, targets
from bhtom_runtime.unit_of_work import NewJob, UnitOfWork

HARVEST: Final = "harvest"


def harvest_job(target_id: int, source: str) -> NewJob:
    """The job that asks a source about a target; one at a time for each pair."""
    return NewJob(
        kind=HARVEST,
        payload={"target_id": target_id, "source": source},
        fair_key=source,
        limit_key=source,
        dedupe_key=f"{source}/{target_id}",
    )


async def target_of(
    connection: AsyncConnection, target_id: int, *, lock: bool = False
) -> Mapping[str, Any] | None:
    """The replica of a target; a lock keeps it as it is until the transaction ends."""
    statement = select(targets).where(targets.c.target_id == target_id)
    if lock:
        statement = statement.with_for_update(read=True)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else row._asdict()


async def harvest_of(
    connection: AsyncConnection, target_id: int, source: str
) -> Row[Any] | None:
    """The harvest of a target from a source."""
    statement = select(harvests).where(
        harvests.c.target_id == target_id, harvests.c.source == source
    )
    return (await connection.execute(statement)).one_or_none()


async def schedule(unit: UnitOfWork, target_id: int, source: str, at: datetime) -> None:
    """Ask a source about a target, from a time on."""
    statement = insert(harvests).values(
        target_id=target_id, source=source, next_at=at, state="scheduled"
    )
    await unit.execute(
        statement.on_conflict_do_update(
            index_elements=["target_id", "source"],
            set_={"next_at": at, "state": "scheduled"},
        )
    )


async def compare_in_bulk(unit: UnitOfWork) -> None:
    """Let this transaction compare tables by hashing.

    Statistics lag behind a burst of new rows, and a nested loop would then look at
    every pair of a harvest and a job.
    """
    await unit.execute(text("SELECT set_config('enable_nestloop', 'off', true)"))


async def schedule_missing(
    unit: UnitOfWork, sources: Collection[str], limit: int
) -> None:
    """Schedule sources that are newer than the targets they may be asked about."""
    known = select(literal(1)).where(
        harvests.c.target_id == targets.c.target_id,
        harvests.c.source == text("source.name"),
    )
    names = func.unnest(cast(list(sources), ARRAY(Text))).table_valued("name")
    source = names.render_derived("source")
    missing = (
        select(targets.c.target_id, source.c.name, func.now())
        .select_from(targets)
        .join(source, literal(True))
        .where(
            targets.c.archives_allowed,
            targets.c.deleted_at.is_(None),
            ~known.exists(),
        )
        .limit(limit)
    )
    statement = insert(harvests).from_select(
        ["target_id", "source", "next_at"], missing
    )
    await unit.execute(statement.on_conflict_do_nothing())


async def due(
    connection: AsyncConnection, sources: Collection[str], limit: int
) -> list[tuple[int, str]]:
    """Harvests whose time has come and that wait for no job yet, oldest first."""
    jobs = INFRASTRUCTURE.jobs
    key = harvests.c.source + "/" + cast(harvests.c.target_id, Text)
    waits = select(literal(1)).where(
        jobs.c.kind == HARVEST,
        jobs.c.dedupe_key == key,
        # As text, to match the partial index.
        text("jobs.state IN ('ready', 'running')"),
    )
    statement = (
        select(harvests.c.target_id, harvests.c.source)
        .where(
            harvests.c.next_at <= func.now(),
            harvests.c.state != "stopped",
            harvests.c.source.in_(list(sources)),
            ~waits.exists(),
        )
        .order_by(harvests.c.next_at)
        .limit(limit)
    )
    return [(row.target_id, row.source) for row in await connection.execute(statement)]


async def update_harvest(
    unit: UnitOfWork, target_id: int, source: str, values: Mapping[str, Any]
) -> None:
    """Write what became of a harvest."""
    await unit.execute(
        update(harvests)
        .where(harvests.c.target_id == target_id, harvests.c.source == source)
        .values(**values)
    )


async def stop_harvest(unit: UnitOfWork, target_id: int, source: str) -> None:
    """Ask this source about this target no more."""
    stopped = {"state": "stopped", "message": "", "next_at": None}
    await update_harvest(unit, target_id, source, stopped)


async def note_answer(unit: UnitOfWork, source: str, now: datetime) -> None:
    """Keep that a source answers."""
    values = {
        "state": "ok",
        "message": "It answers.",
        "last_success_at": now,
        "hold_until": None,
    }
    await _note(unit, source, values)


async def note_trouble(
    unit: UnitOfWork,
    source: str,
    state: str,
    message: str,
    now: datetime,
    hold_until: datetime | None,
) -> None:
    """Keep that a source does not answer as it should, and until when to spare it."""
    values = {
        "state": state,
        "message": message,
        "last_failure_at": now,
        "hold_until": hold_until,
    }
    await _note(unit, source, values)


async def _note(unit: UnitOfWork, source: str, values: Mapping[str, Any]) -> None:
    await unit.execute(
        insert(source_states)
        .values(source=source, **values)
        .on_conflict_do_update(index_elements=["source"], set_=dict(values))
    )


async def end_hold(unit: UnitOfWork, source: str) -> None:
    """Somebody wants to know now: the next job may ask again."""
    held = source_states.c.hold_until.is_not(None)
    await unit.execute(
        update(source_states)
        .where(source_states.c.source == source, held)
        .values(hold_until=None)
    )


async def hold_of(connection: AsyncConnection, source: str) -> Row[Any] | None:
    """The state of a source that is to be spared now."""
    statement = select(source_states).where(
        source_states.c.source == source, source_states.c.hold_until > func.now()
    )
    return (await connection.execute(statement)).one_or_none()


async def source_rows(connection: AsyncConnection) -> dict[str, Row[Any]]:
    """How every source is doing."""
    rows = await connection.execute(select(source_states))
    return {row.source: row for row in rows}
