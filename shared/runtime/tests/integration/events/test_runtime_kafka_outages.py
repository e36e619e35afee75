"""The database or the broker is away for a while: everything waits and goes on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from bhtom_local.stack import Stack
from bhtom_local.testing import PostgresServer, temporary_stack
from bhtom_runtime.database import Database
from bhtom_runtime.kafka.topics import create_topics


@pytest.fixture
async def own_servers() -> AsyncIterator[Stack]:
    """A PostgreSQL and a Kafka that a test may stop."""
    with temporary_stack(parts={"postgres", "kafka"}) as stack:
        yield stack


async def test_outages_delay_and_do_no_harm(
    world: Any, own_servers: Stack, tools: Any
) -> None:
    url = PostgresServer(own_servers.plan.admin_url).create_database()
    service_url = PostgresServer(url).service_url(url, "core")
    tables = world.database.infrastructure
    world = replace(
        world,
        database=Database(service_url, tables),
        bootstrap=own_servers.plan.kafka_bootstrap,
    )
    async with world.database.engine.begin() as connection:
        await connection.run_sync(tables.outbox.metadata.create_all)
        await connection.execute(insert(tables.epoch).values(epoch=1))
    topics = (world.fact, world.state)
    await asyncio.to_thread(create_topics, world.bootstrap, topics)

    async def count(wanted: int) -> bool:
        return len(await world.numbers()) >= wanted

    relay, consumer = world.relay(), world.consumer(batch_size=10)

    async def both(well: bool) -> bool:
        return (relay.health() is None) == (consumer.health() is None) == well

    async with tools.running(relay, consumer):
        await world.note(*(tools.noted(place="a", number=n) for n in range(50)))
        await tools.eventually(lambda: count(50))

        # Kafka is away while events are written.
        await asyncio.to_thread(own_servers.stop_program, "kafka")
        await world.note(*(tools.noted(place="a", number=n) for n in range(50, 100)))
        await tools.eventually(lambda: both(False))
        await asyncio.to_thread(own_servers.start_program, "kafka")
        await tools.eventually(lambda: count(100))

        # The database is away while events are on their way.
        await world.note(*(tools.noted(place="a", number=n) for n in range(100, 400)))
        await asyncio.to_thread(own_servers.stop_program, "postgres")

        async def relay_unwell() -> bool:
            return relay.health() is not None

        await tools.eventually(relay_unwell)
        await asyncio.to_thread(own_servers.start_program, "postgres")

        async def answers() -> bool:
            return bool(await world.database.is_ready())

        await tools.eventually(answers)
        await tools.eventually(lambda: count(400))
        await tools.eventually(lambda: both(True))
        assert await world.numbers() == list(range(400))
        assert await world.letters() == []

        # A stop is quick even when the broker is away in the middle of work.
        await world.note(*(tools.noted(place="a", number=n) for n in range(400, 500)))
        await tools.eventually(lambda: count(410))
        await asyncio.to_thread(own_servers.stop_program, "kafka")
        before = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - before < 8
    await world.database.close()
