"""Queries of the harvests."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_harvester.tables import harvests, source_states, targets
from bhtom_runtime.unit_of_work import UnitOfWork


async def target_of(connection: AsyncConnection, target_id: int) -> Row[Any] | None:
    """The replica of a target."""
    statement = select(targets).where(targets.c.target_id == target_id)
    return (await connection.execute(statement)).one_or_none()


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


async def update_harvest(
    unit: UnitOfWork, target_id: int, source: str, values: Mapping[str, Any]
) -> None:
    """Write what became of a harvest."""
    await unit.execute(
        update(harvests)
        .where(harvests.c.target_id == target_id, harvests.c.source == source)
        .values(**values)
    )


async def due(connection: AsyncConnection, limit: int) -> list[tuple[int, str]]:
    """Harvests whose time has come, the oldest first."""
    statement = (
        select(harvests.c.target_id, harvests.c.source)
        .where(harvests.c.next_at <= func.now(), harvests.c.state != "stopped")
        .order_by(harvests.c.next_at)
        .limit(limit)
    )
    return [(row.target_id, row.source) for row in await connection.execute(statement)]


async def note_source(
    unit: UnitOfWork, source: str, state: str, message: str, now: datetime
) -> None:
    """Keep how a source is doing."""
    moment = "last_success_at" if state == "ok" else "last_failure_at"
    values = {"state": state, "message": message, moment: now}
    await unit.execute(
        insert(source_states)
        .values(source=source, **values)
        .on_conflict_do_update(index_elements=["source"], set_=values)
    )


async def source_rows(connection: AsyncConnection) -> dict[str, Row[Any]]:
    """How every source is doing."""
    rows = await connection.execute(select(source_states))
    return {row.source: row for row in rows}
