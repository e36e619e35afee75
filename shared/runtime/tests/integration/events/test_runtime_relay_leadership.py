"""One relay publishes at a time; another takes over; Kafka may be away."""

import socket
from dataclasses import replace
from typing import Any

from bhtom_contracts.envelope import Envelope
from bhtom_runtime.outbox import OutboxSession
from bhtom_runtime.tracing import new_traceparent, trace_id_of, traced


async def all_published(world: Any) -> bool:
    return bool(await world.unpublished() == 0)


async def test_only_one_relay_is_active_and_the_next_takes_over(
    world: Any, tools: Any
) -> None:
    relays = [world.relay(poll_interval_s=0.1) for _ in range(3)]

    async def one_is_active() -> bool:
        return sum(relay.active for relay in relays) == 1

    async def all_are_well() -> bool:
        return all(relay.health() is None for relay in relays)

    async with tools.running(*relays):
        await tools.eventually(one_is_active)
        for number in range(5):
            await world.note(tools.noted(place="a", number=number))
            await world.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'bhtom_core_relay' "
                "AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
            )
            await tools.eventually(lambda: all_published(world))
            await tools.eventually(one_is_active)
        await tools.eventually(all_are_well)
    assert not any(relay.active for relay in relays)


async def test_the_lock_is_not_given_twice(world: Any) -> None:
    async with (
        OutboxSession.open(world.database) as first,
        OutboxSession.open(world.database) as second,
    ):
        assert await first.acquire()
        assert not await second.acquire()


async def test_without_kafka_events_wait_and_health_says_so(
    world: Any, tools: Any
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = replace(world, bootstrap=f"127.0.0.1:{nobody.getsockname()[1]}")
        relay = away.relay()
        async with tools.running(relay):
            await world.note(tools.noted(place="a", number=1))

            async def unwell() -> bool:
                return relay.health() is not None and relay.lag == 1

            await tools.eventually(unwell)
            assert "Kafka" in (relay.health() or "")
        assert await world.unpublished() == 1
    async with tools.running(world.relay()):
        await tools.eventually(lambda: all_published(world))


async def test_a_row_that_commits_late_is_not_skipped(world: Any, tools: Any) -> None:
    async with tools.running(world.relay(poll_interval_s=0.1)):
        async with world.database.unit_of_work() as slow:
            slow.emit(tools.noted(place="slow", number=1))
            await slow.flush()
            # A higher id, committed and published before the lower one.
            await world.note(tools.noted(place="fast", number=2))

            async def fast_is_out() -> bool:
                return bool(
                    await world.value(
                        "SELECT count(*) FROM core.outbox "
                        "WHERE published_at IS NOT NULL"
                    )
                )

            await tools.eventually(fast_is_out)
        await tools.eventually(lambda: all_published(world))


async def test_the_envelope_tells_where_an_event_comes_from(
    world: Any, tools: Any
) -> None:
    seen: list[Envelope] = []

    async def remember(unit: Any, received: Any) -> None:
        seen.append(received.envelope)

    world.handle = remember
    traceparent = new_traceparent()
    with traced(traceparent):
        await world.note(tools.noted(place="a", number=1))
    async with tools.running(world.relay(source="bhtom/core"), world.consumer()):

        async def arrived() -> bool:
            return bool(seen)

        await tools.eventually(arrived)
    row = (await world.rows("SELECT * FROM core.outbox"))[0]
    envelope = seen[0]
    assert envelope.id == row.event_id
    assert envelope.type == world.fact.name
    assert envelope.source == "bhtom/core"
    assert envelope.subject == "a"
    assert envelope.time == row.created_at
    assert envelope.epoch == 1
    assert trace_id_of(envelope.traceparent or "") == trace_id_of(traceparent)


async def test_a_stop_ends_them_while_the_broker_is_away(
    world: Any, tools: Any
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = replace(world, bootstrap=f"127.0.0.1:{nobody.getsockname()[1]}")
        relay, consumer = away.relay(), away.consumer()
        async with tools.running(relay, consumer):

            async def both_unwell() -> bool:
                return relay.health() is not None and consumer.health() is not None

            await tools.eventually(both_unwell)
