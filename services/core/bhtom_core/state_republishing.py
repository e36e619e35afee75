"""Tells the whole state again: for replicas that lost theirs."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Table, and_, select

from bhtom_contracts.base import Snapshot
from bhtom_core.observatories.snapshots import camera_snapshot
from bhtom_core.observatories.tables import camera_versions, cameras
from bhtom_core.people.snapshots import identity_snapshot, token_snapshot
from bhtom_core.people.tables import tokens, users
from bhtom_core.rows import Query, Record
from bhtom_core.targets.snapshots import target_snapshot
from bhtom_core.targets.store import WHOLE
from bhtom_core.targets.tables import targets
from bhtom_runtime.database import Database

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One kind of state: its rows and how each becomes a snapshot."""

    name: str
    rows: Query
    table: Table
    key: "Column[Any]"
    snapshot: Callable[[Record], Snapshot]


_CAMERAS: Final = select(
    cameras,
    *(
        column
        for column in camera_versions.c
        if column.name not in cameras.c and column.name != "created_by"
    ),
).join(
    camera_versions,
    and_(
        camera_versions.c.camera_id == cameras.c.camera_id,
        camera_versions.c.camera_version == cameras.c.camera_version,
    ),
)

AGGREGATES: Final = (
    Aggregate("identities", select(users), users, users.c.user_id, identity_snapshot),
    Aggregate("tokens", select(tokens), tokens, tokens.c.token_id, token_snapshot),
    Aggregate("cameras", _CAMERAS, cameras, cameras.c.camera_id, camera_snapshot),
    Aggregate("targets", WHOLE, targets, targets.c.target_id, target_snapshot),
)


async def republish(database: Database) -> AsyncIterator[tuple[str, int]]:
    """Emit every snapshot again, and say how many there were of each kind."""
    for aggregate in AGGREGATES:
        count, after = 0, 0
        while True:
            async with database.unit_of_work() as unit:
                # Locked, so that no newer snapshot can be written before this one.
                statement = (
                    aggregate.rows.where(aggregate.key > after)
                    .order_by(aggregate.key)
                    .limit(_AT_ONCE)
                    .with_for_update(of=aggregate.table)
                )
                rows = (await unit.execute(statement)).all()
                for row in rows:
                    unit.emit(aggregate.snapshot(row))
            if not rows:
                break
            count += len(rows)
            after = getattr(rows[-1], aggregate.key.name)
        yield aggregate.name, count
