"""Events per second, beside a consumer without inbox and beside bare Kafka."""

import asyncio
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, TopicPartition
from sqlalchemy import insert, text

from bhtom_contracts.events.photometry import PhotometricValue, PhotometryPublished
from bhtom_contracts.registry import BY_PAYLOAD
from bhtom_local.testing import PostgresServer, temporary_stack
from bhtom_runtime.database import Database
from bhtom_runtime.kafka.messages import Outgoing
from bhtom_runtime.kafka.producer import EventProducer
from bhtom_runtime.kafka.settings import consumer_settings
from bhtom_runtime.kafka.topics import create_topics
from bhtom_runtime.tables import infrastructure, service_metadata
from tests.bench.figures import Figure

COMMAND: Final = "make bench (tests/bench/events.py)"
PROGRAM: Final = Path(__file__).with_name("event_program.py")
TOPIC: Final = BY_PAYLOAD[PhotometryPublished]
EVENTS: Final = 3_000
ROUNDS: Final = 3
PATIENCE_S: Final = 120.0


def measure() -> list[Figure]:
    """Start a database and a broker, measure, and stop them."""
    with temporary_stack(parts={"postgres", "kafka"}, durable=True) as stack:
        server = PostgresServer(stack.plan.admin_url)
        url = server.service_url(server.create_database(), "core")
        return asyncio.run(_measure(url, stack.plan.kafka_bootstrap))


async def _measure(url: str, bootstrap: str) -> list[Figure]:
    bench = _Bench(url, bootstrap)
    await bench.prepare()
    whole: dict[str, list[float]] = {"inbox": [], "naive": []}
    for number in range(ROUNDS):
        # Alternately, so that both meet the same moods of the machine.
        for role in whole:
            whole[role].append(await bench.whole_way(role, f"{role}-{number}"))
    alone: dict[str, list[float]] = {"inbox": [], "naive": []}
    for number in range(ROUNDS):
        for role in alone:
            alone[role].append(await bench.from_kafka(role, f"{role}-alone-{number}"))
    bare = await asyncio.to_thread(_bare, bootstrap)
    await bench.database.close()
    return _figures(whole, alone, bare)


def _figures(
    whole: dict[str, list[float]], alone: dict[str, list[float]], bare: float
) -> list[Figure]:
    inbox, naive = (statistics.median(whole[role]) for role in ("inbox", "naive"))
    inbox_alone, naive_alone = (
        statistics.median(alone[role]) for role in ("inbox", "naive")
    )
    return [
        Figure(
            "Events through outbox, Kafka and inbox",
            ">= 0.8 of a consumer without inbox",
            f"{inbox / naive:.2f} ({inbox:,.0f} events/s)",
            f"the same way without inbox {naive:,.0f} events/s, {ROUNDS} rounds each",
            COMMAND,
            met=inbox / naive >= 0.8,
        ),
        Figure(
            "Events from Kafka into the inbox, the relay idle",
            "as seen",
            f"{inbox_alone / naive_alone:.2f} ({inbox_alone:,.0f} events/s)",
            f"without inbox {naive_alone:,.0f} events/s, {ROUNDS} rounds each",
            COMMAND,
        ),
        Figure(
            "Events through outbox, Kafka and inbox, against bare Kafka",
            "as seen",
            f"{inbox / bare:.3f}",
            f"produce, then consume the same messages: {bare:,.0f} messages/s",
            COMMAND,
        ),
    ]


class _Bench:
    """A database and a broker, and processes on them."""

    def __init__(self, url: str, bootstrap: str) -> None:
        self._url = url
        self._bootstrap = bootstrap
        self._metadata = service_metadata("core")
        self._tables = infrastructure(self._metadata)
        self.database = Database(url, self._tables)
        self._written = 0

    async def prepare(self) -> None:
        await asyncio.to_thread(create_topics, self._bootstrap)
        async with self.database.engine.begin() as connection:
            await connection.run_sync(self._metadata.create_all)
            await connection.execute(insert(self._tables.epoch).values(epoch=1))
            await connection.execute(
                text(
                    "CREATE TABLE core.effects (role text, number integer, name text, "
                    "done_at timestamptz DEFAULT clock_timestamp(), "
                    "PRIMARY KEY (role, number))"
                )
            )

    async def whole_way(self, role: str, group: str) -> float:
        """Events/s from a full outbox to the last effect of a consumer."""
        first = self._written
        self._written += EVENTS
        with self._process(role, group):
            # A new group reads what Kafka has first; only what comes now counts.
            await self._done(group, 0, first)
            for start in range(first, self._written, 500):
                async with self.database.unit_of_work() as unit:
                    for number in range(start, start + 500):
                        unit.emit(event(number))
            with self._process("relay", group):
                return await self._done(group, first, self._written)

    async def from_kafka(self, role: str, group: str) -> float:
        """Events/s of a consumer alone, with everything in Kafka already."""
        with self._process(role, group):
            return await self._done(group, 0, self._written)

    async def _done(self, group: str, first: int, end: int) -> float:
        """Wait for these events; their number per second between first and last."""
        query = text(
            "SELECT count(*), extract(epoch FROM max(done_at) - min(done_at)) "
            "FROM core.effects "
            "WHERE role = :role AND number >= :first AND number < :end"
        )
        values = {"role": group, "first": first, "end": end}
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            async with self.database.read() as connection:
                row = (await connection.execute(query, values)).one()
            if row[0] == end - first:
                return row[0] / float(row[1]) if row[0] else 0.0
            await asyncio.sleep(0.2)
        raise AssertionError(f"{group} did not come to its end.")

    @contextmanager
    def _process(self, role: str, group: str) -> Iterator[None]:
        command = [sys.executable, str(PROGRAM), role, self._url, self._bootstrap]
        process = subprocess.Popen([*command, group], stdout=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.kill()
            process.wait()


def event(number: int) -> PhotometryPublished:
    """An event of half a kilobyte."""
    return PhotometryPublished(
        point_id=number,
        revision=1,
        target_id=number % 1000,
        target_name=f"Bench {number % 1000}",
        source="frame",
        facility="Bench observatory, camera 1",
        mjd=61000.0 + number / 1e4,
        photometry=PhotometricValue(
            value=17.123,
            error=0.012,
            system="AB",
            passband="GaiaSP/r",
            passband_as_reported="SDSS r'",
        ),
        published_at=datetime.now(UTC),
    )


def _bare(bootstrap: str) -> float:
    """Messages/s of producing and then consuming the same bytes, nothing else."""
    batch = [
        Outgoing(
            TOPIC.name, str(n), [("ce_id", b"x")], event(n).model_dump_json().encode()
        )
        for n in range(EVENTS)
    ]
    consumer = Consumer(consumer_settings(bootstrap, "bare", lambda _: None))
    parts = [TopicPartition(TOPIC.name, number) for number in range(TOPIC.partitions)]
    for part in parts:
        part.offset = consumer.get_watermark_offsets(part, timeout=10)[1]
    consumer.assign(parts)
    producer = EventProducer(bootstrap)
    producer.cluster_id(10)
    started = time.perf_counter()
    assert all(producer.send(batch, threading.Event()))
    seen = 0
    while seen < EVENTS:
        seen += len(consumer.consume(1000, 1.0))
    seconds = time.perf_counter() - started
    consumer.close()
    producer.close()
    return EVENTS / seconds


if __name__ == "__main__":
    for figure in measure():
        print(figure)
