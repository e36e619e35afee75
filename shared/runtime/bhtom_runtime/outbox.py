"""The outbox as the relay sees it: one session that holds the right to publish."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from bhtom_runtime.database import Database

# A frozen relay loses its session, and with it the lock, after this long.
IDLE_TIMEOUT_S: Final = 15
STATEMENT_TIMEOUT_S: Final = 30.0
_LOCK_CLASS: Final = 0x4254484F
_LONG_S: Final = 600.0

# What a lost session raises; the relay then competes for the lock again.
LOST: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # A session that ends between two messages of the protocol.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event that waits to be published."""

    id: int
    event_id: UUID
    topic: str
    key: str
    body: bytes
    schema_version: int
    epoch: int
    traceparent: str | None
    created_at: datetime


class OutboxSession:
    """A connection that may hold the schema's relay lock, and reads and marks by it.

    Everything goes through the connection that holds the lock: who lost it can mark
    nothing.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()
        self.woken = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(cls, database: Database) -> AsyncIterator["OutboxSession"]:
        """Connect, listen, and close at the end."""
        connection = await asyncpg.connect(
            database.dsn,
            timeout=5,
            command_timeout=STATEMENT_TIMEOUT_S,
            server_settings={
                "application_name": f"bhtom_{database.schema}_relay",
                "search_path": database.schema,
                "timezone": "UTC",
                "idle_session_timeout": f"{IDLE_TIMEOUT_S}s",
                "idle_in_transaction_session_timeout": f"{IDLE_TIMEOUT_S}s",
            },
        )
        session = cls(connection)
        try:
            connection.add_termination_listener(lambda _: session.woken.set())
            await connection.add_listener(
                database.channel, lambda *_: session.woken.set()
            )
            yield session
        finally:
            # Not close(): it waits for a server that may be gone.
            connection.terminate()

    async def acquire(self) -> bool:
        """Take the lock if nobody holds it."""
        async with self._turn:
            return bool(
                await self._connection.fetchval(
                    "SELECT pg_try_advisory_lock($1, hashtext(current_schema()))",
                    _LOCK_CLASS,
                )
            )

    async def keep_alive(self) -> None:
        """Show the server that we live; raises when the session is lost."""
        async with self._turn:
            await self._connection.execute("SELECT 1")

    async def unpublished(self, limit: int) -> list[OutboxRow]:
        """The oldest rows that wait.

        Never `id > last`: identity order is not commit order, and such a relay
        skips the row that commits late.
        """
        async with self._turn:
            rows = await self._connection.fetch(
                "SELECT id, event_id, topic, key, body, schema_version, epoch, "
                "traceparent, created_at FROM outbox WHERE published_at IS NULL "
                "ORDER BY id LIMIT $1",
                limit,
            )
        return [OutboxRow(*row) for row in rows]

    async def mark_published(self, ids: Sequence[int]) -> None:
        """Say that Kafka has these."""
        async with self._turn:
            await self._connection.execute(
                "UPDATE outbox SET published_at = clock_timestamp() "
                "WHERE id = ANY($1::bigint[])",
                ids,
            )

    async def backlog(self) -> tuple[int, float]:
        """How many rows wait (counted up to 100,000), and the oldest one's age in s."""
        async with self._turn:
            row = await self._connection.fetchrow(
                "SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)),"
                " 0)::float8 FROM (SELECT created_at FROM outbox "
                "WHERE published_at IS NULL ORDER BY id LIMIT 100000) AS waiting"
            )
        return row[0], row[1]

    async def newest_broker(self) -> str | None:
        """The cluster that the outbox is being published to."""
        async with self._turn:
            name: str | None = await self._connection.fetchval(
                "SELECT cluster_id FROM brokers ORDER BY first_seen_at DESC LIMIT 1"
            )
        return name

    async def adopt_broker(self, cluster_id: str) -> int:
        """Publish to this cluster from now on; gives how many rows that makes wait.

        A cluster never seen before has nothing of what was published. One that was
        left and is found again lacks what went to the others since; those are then
        forgotten, so that coming back to them repeats too much rather than too
        little.
        """
        async with self._turn, self._connection.transaction():
            since = await self._connection.fetchval(
                "SELECT coalesce((SELECT min(first_seen_at) FROM brokers AS other "
                "WHERE other.first_seen_at > mine.first_seen_at), 'infinity') "
                "FROM brokers AS mine WHERE mine.cluster_id = $1",
                cluster_id,
            )
            if since is not None:
                await self._connection.execute(
                    "DELETE FROM brokers WHERE first_seen_at >= $1", since
                )
            await self._connection.execute(
                "INSERT INTO brokers (cluster_id, first_seen_at) "
                "VALUES ($1, clock_timestamp()) ON CONFLICT DO NOTHING",
                cluster_id,
            )
            status: str = await self._connection.execute(
                "UPDATE outbox SET published_at = NULL WHERE published_at IS NOT NULL "
                "AND ($1::timestamptz IS NULL OR published_at >= $1)",
                since,
                timeout=_LONG_S,
            )
        return int(status.rpartition(" ")[2])
