"""The broker comes back empty: everything retained is published again, by itself."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from bhtom_contracts.events.photometry import LightCurveUpdated
from bhtom_local import kafka
from bhtom_local.jars import class_path
from bhtom_local.stack import Stack
from bhtom_local.testing import temporary_stack
from bhtom_runtime.consumer import EventConsumer
from bhtom_runtime.kafka.topics import create_topics
from bhtom_runtime.service import Received, Subscription
from bhtom_runtime.unit_of_work import UnitOfWork


def updated(target: int, version: int) -> LightCurveUpdated:
    return LightCurveUpdated(
        target_id=target,
        light_curve_version=version,
        point_count=version,
        updated_at=datetime.now(UTC),
    )


def replace_broker(stack: Stack) -> None:
    """An empty broker at the same address."""
    stack.stop_program("kafka")
    shutil.rmtree(stack.places.kafka / "data")
    ports = stack.plan.ports
    kafka.prepare(
        stack.places.kafka,
        ports["kafka"],
        ports["kafka-controller"],
        class_path(stack.places.cache, lambda _: None),
    )
    stack.start_program("kafka")


@pytest.fixture
async def own_broker() -> AsyncIterator[Stack]:
    with temporary_stack(parts={"kafka"}) as stack:
        yield stack


async def test_a_broker_that_lost_everything_is_filled_again(
    world: Any, own_broker: Stack, tools: Any, unique_name: str
) -> None:
    world = replace(world, bootstrap=own_broker.plan.kafka_bootstrap)
    await asyncio.to_thread(create_topics, world.bootstrap)

    async def handle(unit: UnitOfWork, received: Received) -> None:
        payload: Any = received.payload
        await unit.execute(
            insert(world.effects).values(
                place=str(payload.target_id), number=payload.light_curve_version
            )
        )

    def consumer(group: str) -> EventConsumer:
        return EventConsumer(
            world.database,
            world.bootstrap,
            group=group,
            subscriptions=[Subscription(LightCurveUpdated, handle)],
        )

    async def count(wanted: int) -> bool:
        return len(await world.numbers()) >= wanted

    relay, first = world.relay(), consumer(unique_name)
    async with tools.running(relay, first):
        await world.note(*(updated(1, n) for n in range(1, 101)))
        await tools.eventually(lambda: count(100))
        await asyncio.to_thread(replace_broker, own_broker)
        # Written while nobody could publish it.
        await world.note(*(updated(1, n) for n in range(101, 151)))
        await tools.eventually(lambda: count(150))

        async def all_published() -> bool:
            return bool(await world.unpublished() == 0)

        await tools.eventually(all_published)
        await world.note(updated(1, 151))
        await tools.eventually(lambda: count(151))

        async def well() -> bool:
            return relay.health() is None and first.health() is None

        await tools.eventually(well)

    assert await world.numbers("1") == list(range(1, 152)), "lost, doubled or shuffled"
    assert await world.value("SELECT count(*) FROM core.brokers") == 2

    # Who asks the new broker alone finds the whole story in it, in order.
    await world.rows("DELETE FROM core.effects RETURNING id")
    async with tools.running(consumer(f"{unique_name}-late")):
        await tools.eventually(lambda: count(151))
        # A stop in the middle of work does not wait for a broker that is away.
        await asyncio.to_thread(own_broker.stop_program, "kafka")
    assert await world.numbers("1") == list(range(1, 152))
