"""What one transaction changes, says and asks for."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils
from sqlalchemy import Executable, insert, select, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_contracts.base import Payload
from bhtom_contracts.registry import BY_PAYLOAD, MAX_EVENT_BYTES
from bhtom_runtime.errors import Invalid
from bhtom_runtime.tables import Infrastructure
from bhtom_runtime.tracing import current_traceparent


def new_event_id() -> UUID:
    """A UUIDv7: unique, and ordered by time."""
    return UUID(bytes=uuid_utils.uuid7().bytes)


@dataclass(frozen=True, slots=True)
class NewJob:
    """Slow work to be done later, written in the transaction that decides it.

    `fair_key` is whom it is done for (turns are taken between them), `limit_key`
    what it must not overload, `dedupe_key` makes a second one of the same kind a
    no-op while the first is not finished.
    """

    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    queue: str = "default"
    priority: int = 0
    fair_key: str = ""
    limit_key: str | None = None
    dedupe_key: str | None = None
    run_at: datetime | None = None
    max_attempts: int = 5


EndWork = Callable[["UnitOfWork", Set[Any]], Awaitable[None]]
"""Work for the end of a unit of work, with everything that was collected for it."""


class UnitOfWork:
    """The open transaction of a use case; it commits when its block ends."""

    def __init__(
        self, connection: AsyncConnection, infrastructure: Infrastructure
    ) -> None:
        self.connection = connection
        self._tables = infrastructure
        self._events: list[dict[str, Any]] = []
        self._wakes = False
        self._at_end: dict[EndWork, set[Any]] = {}

    async def execute(
        self, statement: Executable, parameters: Any = None
    ) -> CursorResult[Any]:
        """Run a statement in this transaction."""
        result: CursorResult[Any] = await self.connection.execute(statement, parameters)
        return result

    def emit(self, payload: Payload, *, traceparent: str | None = None) -> UUID:
        """Write an event beside the change it tells of; the relay publishes it."""
        topic = BY_PAYLOAD[type(payload)]
        body = payload.model_dump_json().encode()
        if len(body) > MAX_EVENT_BYTES:
            raise Invalid(
                f"An event of {topic.name} has {len(body)} bytes; at most "
                f"{MAX_EVENT_BYTES} are allowed. Cut it into chunks.",
                code="event_too_large",
            )
        event_id = new_event_id()
        self._events.append(
            {
                "event_id": event_id,
                "topic": topic.name,
                "key": topic.key(payload),
                "body": body,
                "schema_version": payload.schema_version,
                "traceparent": traceparent or current_traceparent(),
            }
        )
        return event_id

    async def enqueue(self, job: NewJob) -> int | None:
        """Write a job; `None` when one with its dedupe key is not finished yet."""
        jobs = self._tables.jobs
        values: dict[str, Any] = {
            "queue": job.queue,
            "kind": job.kind,
            "payload": dict(job.payload),
            "priority": job.priority,
            "fair_key": job.fair_key,
            "limit_key": job.limit_key,
            "dedupe_key": job.dedupe_key,
            "max_attempts": job.max_attempts,
            "traceparent": current_traceparent(),
        }
        if job.run_at is not None:
            values["run_at"] = job.run_at
        statement = (
            postgresql_insert(jobs)
            .values(**values)
            .on_conflict_do_nothing(
                index_elements=[jobs.c.kind, jobs.c.dedupe_key],
                # As text: bound values would not match the index in a generic plan.
                index_where=text("state IN ('ready', 'running')"),
            )
            .returning(jobs.c.id)
        )
        self._wakes = True
        job_id: int | None = await self.connection.scalar(statement)
        return job_id

    def at_end(self, work: EndWork, item: Hashable) -> None:
        """Have `work` called once, at the end of the block, with all its items.

        For rows that many transactions touch, such as counters: `work` locks them
        late and in one order, so that two micro-batches never wait for each other.
        """
        self._at_end.setdefault(work, set()).add(item)

    def wake(self) -> None:
        """Tell listeners of this schema, at commit, that something changed."""
        self._wakes = True

    async def flush(self) -> None:
        """Do the collected work, then write the events and one NOTIFY."""
        while self._at_end:
            work, items = self._at_end.popitem()
            await work(self, items)
        if self._events:
            outbox, epoch = self._tables.outbox, self._tables.epoch
            current = select(epoch.c.epoch).scalar_subquery()
            await self.connection.execute(
                insert(outbox).values({"epoch": current}), self._events
            )
            self._events = []
            self._wakes = True
        if self._wakes:
            # NOTIFY takes a lock at commit, so a transaction sends one, empty.
            await self.connection.execute(
                text("SELECT pg_notify(:channel, '')"),
                {"channel": f"bhtom_{self._tables.schema}"},
            )
            self._wakes = False
