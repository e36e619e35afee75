"""Rows for events that could not be applied, and for those that wait behind them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from bhtom_contracts.envelope import Envelope
from bhtom_runtime.database import Database
from bhtom_runtime.errors import NotFound
from bhtom_runtime.kafka.messages import Incoming, Partition
from bhtom_runtime.letters import header_rows, headers_of
from bhtom_runtime.reading import Event, version_of
from bhtom_runtime.tables import Infrastructure
from bhtom_runtime.unit_of_work import UnitOfWork

OPEN = ("dead", "parked")
LetterState = Literal["dead", "parked", "replayed", "discarded", "replaced"]


class TooManyDeadLetters(Exception):
    """So many events fail that the fault is ours: consuming stops."""


@dataclass(frozen=True, slots=True)
class DeadLetterLimit:
    """At most `count` dead letters made within `window` may be unresolved."""

    count: int = 50
    window: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A stored event: `dead`, `parked` behind a dead one of its key, or resolved."""

    id: int
    consumer: str
    event_id: UUID
    message: Incoming
    key: str
    state: LetterState
    error: str
    attempts: int
    created_at: datetime
    resolved_at: datetime | None


class DeadLetters:
    """The dead letters of one consumer, read and written in a unit of work."""

    def __init__(
        self,
        infrastructure: Infrastructure,
        consumer: str,
        limit: DeadLetterLimit | None = None,
    ) -> None:
        self._table = infrastructure.dead_letters
        self._consumer = consumer
        self._limit = limit or DeadLetterLimit()

    async def open_keys(
        self, unit: UnitOfWork, topic: str, keys: Iterable[str]
    ) -> set[str]:
        """Those of the keys that have an unresolved event, locked against a replay.

        Without the lock a replay could drain a key between our look and our
        parking, and the event would wait behind nothing.
        """
        wanted = set(keys)
        if not (found := await self._open_keys(unit, topic, wanted)):
            return found
        for key in sorted(found):
            await self.lock_key(unit, topic, key)
        return await self._open_keys(unit, topic, found)

    async def _open_keys(
        self, unit: UnitOfWork, topic: str, keys: set[str]
    ) -> set[str]:
        table = self._table
        result = await unit.execute(
            select(table.c.key)
            .distinct()
            .where(
                table.c.consumer == self._consumer,
                table.c.topic == topic,
                table.c.key.in_(keys),
                table.c.state.in_(OPEN),
            )
        )
        return set(result.scalars())

    async def lock_key(self, unit: UnitOfWork, topic: str, key: str) -> None:
        """Let nobody else park or replay events of this key until the end."""
        await unit.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:place, 0))"),
            {"place": f"{self._consumer}\n{topic}\n{key}"},
        )

    async def bury(
        self, unit: UnitOfWork, event: Event, error: str, attempts: int
    ) -> None:
        """Store an event that cannot be applied; raises when there are too many."""
        await self._check_limit(unit)
        await self._store(unit, event, "dead", error, attempts)

    async def park(self, unit: UnitOfWork, event: Event) -> None:
        """Store an event behind the dead one of its key."""
        await self._store(unit, event, "parked", "", 0)

    async def replace_older(self, unit: UnitOfWork, event: Event) -> bool:
        """Resolve dead snapshots of a key that this one is newer than.

        Gives whether none is left. A dead letter whose version cannot be read is
        older than any snapshot that can.
        """
        table = self._table
        result = await unit.execute(
            select(table.c.id, table.c.headers, table.c.body).where(
                table.c.consumer == self._consumer,
                table.c.topic == event.message.partition.topic,
                table.c.key == event.key,
                table.c.state.in_(OPEN),
            )
        )
        ours = version_of(event.received)
        rows = result.all()
        older = [
            row.id for row in rows if ours is None or (_version(row) or (-1, 0)) < ours
        ]
        await unit.execute(
            update(table)
            .where(table.c.id.in_(older))
            .values(state="replaced", resolved_at=datetime.now(UTC))
        )
        return len(older) == len(rows)

    async def _check_limit(self, unit: UnitOfWork) -> None:
        table = self._table
        # Lanes bury side by side: without it each would count without the others.
        await unit.execute(
            select(
                func.pg_advisory_xact_lock(func.hashtext(f"{table}:{self._consumer}"))
            )
        )
        count = await unit.connection.scalar(
            select(func.count()).where(
                table.c.consumer == self._consumer,
                table.c.state == "dead",
                table.c.created_at > datetime.now(UTC) - self._limit.window,
            )
        )
        if (count or 0) >= self._limit.count:
            minutes = self._limit.window.total_seconds() / 60
            raise TooManyDeadLetters(
                f"{count} events could not be applied within {minutes:g} minutes, so "
                "consuming stopped. See `dead-letters list`; replay or discard them, "
                "then start the consumer again."
            )

    async def _store(
        self,
        unit: UnitOfWork,
        event: Event,
        state: LetterState,
        error: str,
        attempts: int,
    ) -> None:
        message = event.message
        await unit.execute(
            insert(self._table)
            .values(
                consumer=self._consumer,
                event_id=event.id,
                topic=message.partition.topic,
                partition=message.partition.number,
                kafka_offset=message.offset,
                key=event.key,
                headers={
                    "rows": header_rows(message.headers),
                    "timestamp_ms": message.timestamp_ms,
                },
                body=message.body,
                state=state,
                error=error,
                attempts=attempts,
            )
            .on_conflict_do_nothing(index_elements=["consumer", "event_id"])
        )


async def list_letters(
    database: Database,
    *,
    states: Sequence[str] = OPEN,
    topic: str | None = None,
    limit: int = 100,
) -> list[DeadLetter]:
    """The stored events in these states, oldest first."""
    table = database.infrastructure.dead_letters
    query = select(table).where(table.c.state.in_(states))
    if topic is not None:
        query = query.where(table.c.topic == topic)
    async with database.read() as connection:
        result = await connection.execute(query.order_by(table.c.id).limit(limit))
        return [letter_of(row) for row in result]


async def get_letter(database: Database, letter_id: int) -> DeadLetter:
    """One stored event."""
    table = database.infrastructure.dead_letters
    async with database.read() as connection:
        result = await connection.execute(select(table).where(table.c.id == letter_id))
        row = result.one_or_none()
    if row is None:
        raise NotFound(f"There is no dead letter {letter_id}.")
    return letter_of(row)


def letter_of(row: Row[Any]) -> DeadLetter:
    """A row as a dead letter."""
    return DeadLetter(
        id=row.id,
        consumer=row.consumer,
        event_id=row.event_id,
        message=Incoming(
            partition=Partition(row.topic, row.partition),
            offset=row.kafka_offset,
            timestamp_ms=row.headers["timestamp_ms"],
            key=row.key.encode(),
            headers=headers_of(row.headers["rows"]),
            body=row.body,
        ),
        key=row.key,
        state=row.state,
        error=row.error,
        attempts=row.attempts,
        created_at=row.created_at,
        resolved_at=row.resolved_at,
    )


def _version(row: Row[Any]) -> tuple[int, int] | None:
    try:
        envelope = Envelope.from_headers(headers_of(row.headers["rows"]))
        body = json.loads(row.body)
    except ValueError:
        return None
    version = body.get("aggregate_version") if isinstance(body, dict) else None
    return (envelope.epoch, version) if isinstance(version, int) else None
