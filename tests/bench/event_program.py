"""A process of the event benchmark: `relay`, `inbox` or `naive`.

Run as `python event_program.py ROLE DATABASE_URL BOOTSTRAP GROUP`.
"""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from bhtom_contracts.events.photometry import PhotometryPublished
from bhtom_runtime.consumer import EventConsumer
from bhtom_runtime.database import Database
from bhtom_runtime.inbox import Inbox, tell
from bhtom_runtime.kafka.messages import Incoming
from bhtom_runtime.reading import routes_of
from bhtom_runtime.relay import Relay
from bhtom_runtime.service import Received, Subscription
from bhtom_runtime.tables import infrastructure, service_metadata
from bhtom_runtime.unit_of_work import UnitOfWork

_RECORD = text(
    "INSERT INTO core.effects (role, number, name) VALUES (:role, :number, :name) "
    "ON CONFLICT (role, number) DO UPDATE SET name = excluded.name"
)


async def record(unit: UnitOfWork, received: Received, role: str) -> None:
    """The same small work for both consumers: one upsert an event."""
    payload: Any = received.payload
    values = {"role": role, "number": payload.point_id, "name": payload.target_name}
    await unit.execute(_RECORD, values)


class WithoutInbox(Inbox):
    """The same consumer without claims and without dead letters: the peer."""

    async def apply(self, messages: Sequence[Incoming]) -> None:
        route = self._routes[messages[0].partition.topic]
        events = [route.read(message) for message in messages]
        async with self._database.unit_of_work() as unit:
            for event in events:
                assert event.received is not None
                await tell(unit, route, event.received)


def consumer_of(
    role: str, database: Database, bootstrap: str, group: str
) -> EventConsumer:
    """The runtime's consumer, or its peer: they differ by the inbox alone."""

    async def handle(unit: UnitOfWork, received: Received) -> None:
        payload: Any = received.payload
        values = {"role": group, "number": payload.point_id, "name": payload.source}
        await unit.execute(_RECORD, values)

    subscriptions = [Subscription(PhotometryPublished, handle)]
    consumer = EventConsumer(
        database, bootstrap, group=group, subscriptions=subscriptions
    )
    if role == "naive":
        peer = WithoutInbox(database, group, routes_of(subscriptions))
        consumer._inbox = peer
    return consumer


async def main(role: str, url: str, bootstrap: str, group: str) -> None:
    """Run until killed."""
    database = Database(url, infrastructure(service_metadata("core")))
    if role == "relay":
        await Relay(database, bootstrap).run(asyncio.Event())
    else:
        await consumer_of(role, database, bootstrap, group).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
