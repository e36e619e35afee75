"""Publishes the outbox to Kafka: in id order, by one relay at a time, never losing."""

import asyncio
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import structlog

from bhtom_contracts.envelope import Envelope
from bhtom_runtime.database import Database
from bhtom_runtime.event_metrics import (
    BROKERS_LOST,
    OUTBOX_BACKLOG,
    OUTBOX_OLDEST_SECONDS,
    PUBLISH_SECONDS,
    PUBLISHED,
    RELAY_ACTIVE,
)
from bhtom_runtime.kafka.messages import BrokerUnavailable, Outgoing
from bhtom_runtime.kafka.producer import EventProducer
from bhtom_runtime.kafka.topics import create_topics
from bhtom_runtime.outbox import LOST, OutboxRow, OutboxSession
from bhtom_runtime.waiting import back_off_s, first_of

_logger = structlog.get_logger(__name__)

KEEP_ALIVE_S: Final = 3.0
WATCH_S: Final = 5.0
BROKER_TIMEOUT_S: Final = 3.0
STOP_GRACE_S: Final = 4.0

"""Emits the snapshot of every aggregate again, in one unit of work."""


class Relay:
    """A service's relay; any number may run, one of them is active."""

    def __init__(
        self,
        database: Database,
        bootstrap_servers: str,
        *,
        source: str | None = None,
        batch_size: int = 1000,
        poll_interval_s: float = 1.0,
    ) -> None:
        self._database = database
        self._bootstrap_servers = bootstrap_servers
        self._service = database.schema
        self._source = source or f"bhtom/{database.schema}"
        self._batch_size = batch_size
        self._poll_interval_s = poll_interval_s
        self._problem: str | None = None
        self._cluster_id = ""
        self._watched_at = 0.0
        self.active = False
        self.lag = 0

    def health(self) -> str | None:
        """What keeps this relay from publishing; a standby is well."""
        return self._problem

    async def run(self, stop: asyncio.Event) -> None:
        """Compete for the lock, publish while it is held, until told to stop."""
        failures = 0
        while not stop.is_set():
            try:
                async with OutboxSession.open(self._database) as session:
                    if await self._compete(session, stop):
                        failures = 0
                        await self._lead(session, stop)
            except LOST as error:
                failures += 1
                self._problem = f"The relay lost its database session: {error}"
                _logger.warning("relay lost its session", error=str(error))
                await first_of(stop, timeout_s=back_off_s(failures, longest_s=5.0))

    async def _compete(self, session: OutboxSession, stop: asyncio.Event) -> bool:
        """Wait for the lock; False when told to stop first."""
        while not await session.acquire():
            self._problem = None
            if await first_of(stop, timeout_s=self._poll_interval_s):
                return False
        return not stop.is_set()

    async def _lead(self, session: OutboxSession, stop: asyncio.Event) -> None:
        self.active = True
        RELAY_ACTIVE.labels(self._service).set(1)
        _logger.info("relay is active", service=self._service)
        failures = 0
        try:
            while not stop.is_set():
                try:
                    producer = await self._connect(session)
                    failures = 0
                    try:
                        await self._publish(session, producer, stop)
                    finally:
                        await asyncio.to_thread(producer.close)
                except BrokerUnavailable as error:
                    failures += 1
                    self._broker_failed(error, failures)
                    await session.keep_alive()
                    await self._measure(session)
                    await first_of(stop, timeout_s=back_off_s(failures, longest_s=2.0))
        finally:
            self.active = False
            RELAY_ACTIVE.labels(self._service).set(0)

    def _broker_failed(self, error: BrokerUnavailable, failures: int) -> None:
        self._problem = f"Kafka cannot be written to: {error}"
        if failures == 1:
            _logger.warning("relay waits for Kafka", error=str(error))

    async def _connect(self, session: OutboxSession) -> EventProducer:
        """A producer on the cluster that the outbox belongs to, or now belongs to."""
        producer = EventProducer(self._bootstrap_servers)
        try:
            cluster_id = await asyncio.to_thread(producer.cluster_id, BROKER_TIMEOUT_S)
            if cluster_id != await session.newest_broker():
                await self._adopt(session, cluster_id)
        except BaseException:
            await asyncio.to_thread(producer.close)
            raise
        self._cluster_id = cluster_id
        self._problem = None
        self._watched_at = time.monotonic()
        return producer

    async def _adopt(self, session: OutboxSession, cluster_id: str) -> None:
        """Begin with a cluster that has none of our events, or not all of them."""
        known = await session.newest_broker()
        made = await asyncio.to_thread(create_topics, self._bootstrap_servers)
        again = await session.adopt_broker(cluster_id)
        if known is None and not again:
            _logger.info("relay begins", cluster_id=cluster_id)
            return
        BROKERS_LOST.labels(self._service).inc()
        _logger.warning(
            "another Kafka cluster: every retained event is published again",
            cluster_id=cluster_id,
            former_cluster_id=known,
            events=again,
            topics_made=len(made),
        )

    async def _publish(
        self, session: OutboxSession, producer: EventProducer, stop: asyncio.Event
    ) -> None:
        while not stop.is_set():
            session.woken.clear()
            rows = await session.unpublished(self._batch_size)
            if rows:
                delivered = await self._send(session, producer, rows, stop)
                await self._settle(session, rows, delivered)
            await self._check(session, producer)
            if len(rows) < self._batch_size:
                await first_of(session.woken, stop, timeout_s=self._poll_interval_s)

    async def _send(
        self,
        session: OutboxSession,
        producer: EventProducer,
        rows: Sequence[OutboxRow],
        stop: asyncio.Event,
    ) -> list[bool]:
        """Send in a thread; stop at once when the session, and so the lock, is lost."""
        abandon = threading.Event()
        batch = [self._message(row) for row in rows]
        sending = asyncio.ensure_future(
            asyncio.to_thread(producer.send, batch, abandon)
        )
        stopped_at: float | None = None
        try:
            while not sending.done():
                await asyncio.wait({sending}, timeout=KEEP_ALIVE_S)
                if not sending.done():
                    await session.keep_alive()
                if stop.is_set():
                    stopped_at = stopped_at or time.monotonic()
                    if time.monotonic() - stopped_at >= STOP_GRACE_S:
                        abandon.set()
        finally:
            abandon.set()
            delivered = await asyncio.shield(sending)
        return delivered

    async def _settle(
        self,
        session: OutboxSession,
        rows: Sequence[OutboxRow],
        delivered: Sequence[bool],
    ) -> None:
        """Mark what Kafka has, and count it."""
        marked = settled(rows, delivered)
        if not marked:
            return
        await session.mark_published([row.id for row in marked])
        now = datetime.now(UTC)
        latency = PUBLISH_SECONDS.labels(self._service)
        for row in marked:
            PUBLISHED.labels(self._service, row.topic).inc()
            latency.observe((now - row.created_at).total_seconds())

    async def _check(self, session: OutboxSession, producer: EventProducer) -> None:
        """Look after the connection; raises when this producer is over."""
        producer.check()
        if producer.unknown_topics:
            await asyncio.to_thread(create_topics, self._bootstrap_servers)
        if producer.problem is not None:
            raise BrokerUnavailable(producer.problem)
        now = time.monotonic()
        if producer.suspect or now - self._watched_at >= WATCH_S:
            cluster_id = await asyncio.to_thread(producer.cluster_id, BROKER_TIMEOUT_S)
            if cluster_id != self._cluster_id:
                raise BrokerUnavailable("It is another cluster than before.")
            await self._measure(session)
            self._watched_at = now

    async def _measure(self, session: OutboxSession) -> None:
        self.lag, oldest_s = await session.backlog()
        OUTBOX_BACKLOG.labels(self._service).set(self.lag)
        OUTBOX_OLDEST_SECONDS.labels(self._service).set(oldest_s)

    def _message(self, row: OutboxRow) -> Outgoing:
        envelope = Envelope(
            id=row.event_id,
            type=row.topic,
            source=self._source,
            subject=row.key,
            time=row.created_at,
            schema_version=row.schema_version,
            epoch=row.epoch,
            traceparent=row.traceparent,
        )
        return Outgoing(row.topic, row.key, envelope.to_headers(), row.body)


def settled(rows: Sequence[OutboxRow], delivered: Sequence[bool]) -> list[OutboxRow]:
    """The rows that are published: what a key has behind a failed row is not.

    It goes out once more behind that one, so that every key ends with its newest.
    """
    held: set[tuple[str, str]] = set()
    published = []
    for row, has_it in zip(rows, delivered, strict=True):
        place = (row.topic, row.key)
        if not has_it:
            held.add(place)
        elif place not in held:
            published.append(row)
    return published
