"""A process of the event kill test: a relay, a consumer, or one of the controls.

Run as `python event_program.py ROLE DATABASE_URL BOOTSTRAP GROUP TARGET`.
"""

import asyncio
import sys
from typing import Any

import asyncpg
from confluent_kafka import Message
from controls import commit_first, work_first
from sqlalchemy import text

from bhtom_contracts.events.photometry import LightCurveUpdated
from bhtom_contracts.registry import BY_PAYLOAD
from bhtom_runtime.consumer import EventConsumer
from bhtom_runtime.database import Database
from bhtom_runtime.relay import Relay
from bhtom_runtime.service import Received, Subscription
from bhtom_runtime.tables import infrastructure, service_metadata
from bhtom_runtime.unit_of_work import UnitOfWork

TOPIC = BY_PAYLOAD[LightCurveUpdated].name
CONTROLS = {"commit-first": commit_first, "work-first": work_first}


async def consume(database: Database, bootstrap: str, group: str, target: int) -> None:
    """The real consumer, with an effect that takes a moment."""
    statement = text(
        "INSERT INTO core.effects (role, number) "
        "SELECT 'consumer', :number FROM pg_sleep(0.001)"
    )

    async def handle(unit: UnitOfWork, received: Received) -> None:
        payload: Any = received.payload
        if payload.target_id == target:
            await unit.execute(statement, {"number": payload.light_curve_version})

    subscriptions = [Subscription(LightCurveUpdated, handle)]
    consumer = EventConsumer(
        database, bootstrap, group=group, subscriptions=subscriptions, batch_size=50
    )
    await consumer.run(asyncio.Event())


async def control(
    role: str, database: Database, bootstrap: str, group: str, target: int
) -> None:
    """A wrong consumer: each event has its effect in a transaction of its own."""
    connection = await asyncpg.connect(database.dsn)

    async def work(message: Message) -> None:
        payload = LightCurveUpdated.model_validate_json(message.value() or b"")
        if payload.target_id == target:
            await connection.execute(
                "INSERT INTO core.effects (role, number) "
                "SELECT $1, $2 FROM pg_sleep(0.001)",
                role,
                payload.light_curve_version,
            )

    await CONTROLS[role](bootstrap, group, TOPIC, work)


async def main(role: str, url: str, bootstrap: str, group: str, target: int) -> None:
    """Run until killed."""
    database = Database(url, infrastructure(service_metadata("core")))
    if role == "relay":
        await Relay(database, bootstrap, batch_size=100).run(asyncio.Event())
    elif role == "consumer":
        await consume(database, bootstrap, group, target)
    else:
        await control(role, database, bootstrap, group, target)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5], int(sys.argv[5])))
