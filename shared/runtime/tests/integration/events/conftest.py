"""A service with two topics of its own, on a real PostgreSQL and a real Kafka."""

import asyncio
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol

import pytest
from sqlalchemy import BigInteger, Column, Identity, Integer, Table, Text, insert, text

from bhtom_contracts.base import Payload, Snapshot
from bhtom_contracts.envelope import Envelope
from bhtom_contracts.registry import BY_NAME, BY_PAYLOAD, Topic
from bhtom_runtime.consumer import EventConsumer
from bhtom_runtime.database import Database
from bhtom_runtime.dead_letters import (
    OPEN,
    DeadLetter,
    DeadLetterLimit,
    list_letters,
)
from bhtom_runtime.inbox import Inbox
from bhtom_runtime.kafka.messages import Incoming, Partition
from bhtom_runtime.kafka.topics import create_topics
from bhtom_runtime.reading import Route, routes_of
from bhtom_runtime.relay import Relay
from bhtom_runtime.service import Received, Subscription
from bhtom_runtime.tables import infrastructure, service_metadata
from bhtom_runtime.unit_of_work import UnitOfWork, new_event_id

PATIENCE_S = 60.0


class Noted(Payload):
    """A fact of these tests."""

    place: str
    number: int


class Held(Snapshot):
    """A state of these tests."""

    place: str
    number: int


class Runs(Protocol):
    """What `running` can run."""

    async def run(self, stop: asyncio.Event) -> None: ...


@dataclass
class World:
    """Everything that a test of the event side needs."""

    database: Database
    bootstrap: str
    fact: Topic
    state: Topic
    effects: Table
    group: str
    broken: dict[int, Exception] = field(default_factory=dict)
    offset: int = 0

    async def note(self, *facts: Payload) -> None:
        """Write events in one transaction."""
        async with self.database.unit_of_work() as unit:
            for fact in facts:
                unit.emit(fact)

    async def handle(self, unit: UnitOfWork, received: Received) -> None:
        """Record an event; numbers in `broken` fail."""
        payload: Any = received.payload
        failure = self.broken.get(payload.number)
        if failure is not None:
            raise failure
        await unit.execute(
            insert(self.effects).values(place=payload.place, number=payload.number)
        )

    def subscriptions(self) -> list[Subscription]:
        return [Subscription(Noted, self.handle), Subscription(Held, self.handle)]

    def relay(self, **options: Any) -> Relay:
        return Relay(self.database, self.bootstrap, **options)

    def consumer(self, **options: Any) -> EventConsumer:
        return EventConsumer(
            self.database,
            self.bootstrap,
            group=self.group,
            subscriptions=self.subscriptions(),
            **options,
        )

    def inbox(self, limit: DeadLetterLimit | None = None) -> Inbox:
        return Inbox(self.database, self.group, self.routes(), limit)

    def routes(self) -> Mapping[str, Route]:
        return routes_of(self.subscriptions())

    def message(self, payload: Payload, **changes: Any) -> Incoming:
        """A message as the relay would have sent it."""
        topic = BY_PAYLOAD[type(payload)]
        self.offset += 1
        envelope = Envelope(
            id=new_event_id(),
            type=topic.name,
            source="bhtom/core",
            subject=topic.key(payload),
            time=datetime.now(UTC),
            schema_version=1,
            epoch=changes.pop("epoch", 1),
        )
        incoming = Incoming(
            partition=Partition(topic.name, 0),
            offset=self.offset,
            timestamp_ms=1_700_000_000_000 + self.offset,
            key=topic.key(payload).encode(),
            headers=envelope.to_headers(),
            body=payload.model_dump_json().encode(),
        )
        return replace(incoming, **changes)

    async def letters(self, *states: str) -> list[DeadLetter]:
        return await list_letters(self.database, states=states or OPEN)

    async def rows(self, query: str, **values: Any) -> Sequence[Any]:
        async with self.database.read() as connection:
            return (await connection.execute(text(query), values)).all()

    async def value(self, query: str, **values: Any) -> Any:
        return (await self.rows(query, **values))[0][0]

    async def numbers(self, place: str | None = None) -> list[int]:
        """The numbers recorded, in the order of their recording."""
        rows = await self.rows("SELECT place, number FROM core.effects ORDER BY id")
        return [row.number for row in rows if place in (None, row.place)]

    async def unpublished(self) -> int:
        count: int = await self.value(
            "SELECT count(*) FROM core.outbox WHERE published_at IS NULL"
        )
        return count


async def eventually(
    condition: Callable[[], Awaitable[Any]], what: str = "the condition"
) -> None:
    """Wait for a condition that needs the network to come true."""
    end = time.monotonic() + PATIENCE_S
    while not await condition():
        assert time.monotonic() < end, f"{what} never came true"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def running(*loops: Runs) -> AsyncIterator[None]:
    """Run relays and consumers for a block; they end well at its end."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(loop.run(stop)) for loop in loops]
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*tasks)


@dataclass
class Tools:
    """What test modules cannot import from here."""

    noted: ClassVar[type[Noted]] = Noted
    held: ClassVar[type[Held]] = Held
    eventually = staticmethod(eventually)
    running = staticmethod(running)


@pytest.fixture
def tools() -> Tools:
    return Tools()


@pytest.fixture
def test_topics(
    unique_name: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Topic, Topic]:
    """Two topics of this test alone in the registry."""

    def key(payload: Any) -> str:
        return str(payload.place)

    fact = Topic(f"{unique_name}.noted", "fact", "core", Noted, key, "place")
    state = Topic(f"{unique_name}.held", "state", "core", Held, key, "place")
    for topic in (fact, state):
        monkeypatch.setitem(BY_PAYLOAD, topic.payload, topic)
        monkeypatch.setitem(BY_NAME, topic.name, topic)
    return fact, state


@pytest.fixture
async def world(
    kafka_bootstrap: str,
    fresh_database: Callable[[str], str],
    test_topics: tuple[Topic, Topic],
    unique_name: str,
) -> AsyncIterator[World]:
    metadata = service_metadata("core")
    tables = infrastructure(metadata)
    effects = Table(
        "effects",
        metadata,
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("place", Text, nullable=False),
        Column("number", Integer, nullable=False),
    )
    database = Database(fresh_database("core"), tables)
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.execute(insert(tables.epoch).values(epoch=1))
    await asyncio.to_thread(create_topics, kafka_bootstrap, test_topics)
    fact, state = test_topics
    yield World(database, kafka_bootstrap, fact, state, effects, unique_name)
    await database.close()
