"""Applies events to the database: each one once, whatever is repeated or killed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import structlog
from sqlalchemy import text

from bhtom_runtime.database import Database
from bhtom_runtime.dead_letters import DeadLetterLimit, DeadLetters
from bhtom_runtime.event_metrics import CONSUMED, EVENT_AGE_SECONDS
from bhtom_runtime.failures import account_of, sentence_of
from bhtom_runtime.kafka.messages import Incoming
from bhtom_runtime.reading import Event, Route
from bhtom_runtime.service import Received
from bhtom_runtime.tracing import traced
from bhtom_runtime.unit_of_work import UnitOfWork

_logger = structlog.get_logger(__name__)

Result = Literal["applied", "repeated", "dead", "parked", "replaced"]


class Inbox:
    """One consumer's way from messages of a partition to committed effects."""

    def __init__(
        self,
        database: Database,
        consumer: str,
        routes: Mapping[str, Route],
        limit: DeadLetterLimit | None = None,
    ) -> None:
        self._database = database
        self.consumer = consumer
        self._routes = routes
        self._letters = DeadLetters(database.infrastructure, consumer, limit)
        self._claim_statement = text(
            f"INSERT INTO {database.schema}.inbox (consumer, event_id, topic) "  # noqa: S608 - the schema's name is ours
            "SELECT :consumer, event_id, :topic "
            "FROM unnest(CAST(:ids AS uuid[])) AS event_id "
            "ON CONFLICT DO NOTHING RETURNING event_id"
        )

    async def apply(self, messages: Sequence[Incoming]) -> None:
        """Apply messages of one partition in one transaction, or none of them."""
        route = self._routes[messages[0].partition.topic]
        events = [route.read(message) for message in messages]
        results: Counter[Result] = Counter()
        async with self._database.unit_of_work() as unit:
            fresh = await self._claim(unit, route, events)
            results["repeated"] = len(events) - len(fresh)
            # Only after the claim: it may have waited for a transaction that buries.
            open_keys = await self._letters.open_keys(
                unit, route.topic.name, {event.key for event in fresh if event.key}
            )
            for event in fresh:
                results[await self._record(unit, route, event, open_keys)] += 1
        self._count(route, fresh, results)

    async def bury(
        self, message: Incoming, error: BaseException, attempts: int
    ) -> None:
        """Put a message aside for good, unless somebody has applied it meanwhile."""
        route = self._routes[message.partition.topic]
        event = route.read(message)
        async with self._database.unit_of_work() as unit:
            if not await self._claim(unit, route, [event]):
                return
            await self._letters.bury(unit, event, account_of(error), attempts)
        self._say_dead(event, error)
        self._count(route, [], Counter({"dead": 1}))

    async def _claim(
        self, unit: UnitOfWork, route: Route, events: Sequence[Event]
    ) -> list[Event]:
        """The events that nobody has claimed before, each once, in their order."""
        result = await unit.execute(
            self._claim_statement,
            {
                "consumer": self.consumer,
                "topic": route.topic.name,
                "ids": [event.id for event in events],
            },
        )
        claimed: set[UUID] = set(result.scalars())
        fresh = []
        for event in events:
            if event.id in claimed:
                claimed.remove(event.id)
                fresh.append(event)
        return fresh

    async def _record(
        self, unit: UnitOfWork, route: Route, event: Event, open_keys: set[str]
    ) -> Result:
        replaces = False
        if event.key in open_keys:
            if not route.is_state:
                await self._letters.park(unit, event)
                return "parked"
            if await self._letters.replace_older(unit, event):
                open_keys.discard(event.key)
                replaces = True
        if event.received is None:
            await self._bury_unreadable(unit, event)
            if event.key:
                open_keys.add(event.key)
            return "dead"
        await tell(unit, route, event.received)
        return "replaced" if replaces else "applied"

    async def _bury_unreadable(self, unit: UnitOfWork, event: Event) -> None:
        failure = event.failure or ValueError("It was not read.")
        await self._letters.bury(unit, event, sentence_of(failure), 1)
        self._say_dead(event, failure)

    def _say_dead(self, event: Event, error: BaseException) -> None:
        place = event.message.partition
        _logger.error(
            "event could not be applied and is a dead letter now",
            event_id=str(event.id),
            topic=place.topic,
            partition=place.number,
            offset=event.message.offset,
            error=sentence_of(error),
        )

    def _count(
        self, route: Route, fresh: Sequence[Event], results: Counter[Result]
    ) -> None:
        for result, count in results.items():
            if count:
                CONSUMED.labels(self.consumer, route.topic.name, result).inc(count)
        now = datetime.now(UTC)
        age = EVENT_AGE_SECONDS.labels(self.consumer)
        for event in fresh:
            if event.received is not None:
                age.observe((now - event.received.envelope.time).total_seconds())


async def tell(unit: UnitOfWork, route: Route, received: Received) -> None:
    """Call a topic's handlers inside the trace that the event came with."""
    envelope = received.envelope
    with traced(
        envelope.traceparent, event_id=str(envelope.id), event_type=envelope.type
    ):
        for handle in route.handlers:
            await handle(unit, received)
