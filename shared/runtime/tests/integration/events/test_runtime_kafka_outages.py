"""The database is away for a while: everything waits, and then goes on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from bhtom_local.stack import Stack
from bhtom_local.testing import PostgresServer, temporary_stack
from bhtom_runtime.database import Database


@pytest.fixture
async def own_postgres() -> AsyncIterator[Stack]:
    """A PostgreSQL that a test may stop."""
    with temporary_stack(parts={"postgres"}) as stack:
        yield stack


async def test_a_database_that_is_away_makes_events_wait(
    world: Any, own_postgres: Stack, tools: Any
) -> None:
    url = PostgresServer(own_postgres.plan.admin_url).create_database()
    tables = world.database.infrastructure
    database = Database(PostgresServer(url).service_url(url, "core"), tables)
    world = replace(world, database=database)
    async with database.engine.begin() as connection:
        await connection.run_sync(tables.outbox.metadata.create_all)
        await connection.execute(insert(tables.epoch).values(epoch=1))

    async def count(wanted: int) -> bool:
        return len(await world.numbers()) >= wanted

    relay, consumer = world.relay(), world.consumer(batch_size=10)

    async def relay_unwell() -> bool:
        return relay.health() is not None

    async def both_well() -> bool:
        return relay.health() is None and consumer.health() is None

    async with tools.running(relay, consumer):
        await world.note(*(tools.noted(place="a", number=n) for n in range(300)))
        await tools.eventually(lambda: count(20))
        await asyncio.to_thread(own_postgres.stop_program, "postgres")
        await tools.eventually(relay_unwell)
        await asyncio.to_thread(own_postgres.start_program, "postgres")
        await tools.eventually(database.is_ready)
        await tools.eventually(lambda: count(300))
        await tools.eventually(both_well)
    assert await world.numbers() == list(range(300))
    assert await world.letters() == []
    await database.close()
