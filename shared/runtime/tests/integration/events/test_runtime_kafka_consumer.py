"""The consumer: failing events, shared partitions, and a database that goes away."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bhtom_runtime.dead_letters import DeadLetterLimit
from bhtom_runtime.errors import Invalid, Unavailable


async def test_a_passing_failure_holds_the_key_and_shows_in_health(
    world: Any, tools: Any
) -> None:
    world.broken[3] = Unavailable("The archive rests.")
    await world.note(*(tools.noted(place="a", number=n) for n in range(6)))
    consumer = world.consumer()

    async def unwell() -> bool:
        return "The archive rests." in (consumer.health() or "")

    async def all_there() -> bool:
        return len(await world.numbers()) == 6

    async with tools.running(world.relay(), consumer):
        await tools.eventually(unwell)
        assert await world.numbers() == [0, 1, 2]
        world.broken.clear()
        await tools.eventually(all_there)
        assert consumer.health() is None
    assert await world.numbers() == list(range(6))
    assert await world.letters() == []


async def test_a_permanent_failure_is_put_aside_at_once(world: Any, tools: Any) -> None:
    world.broken[1] = Invalid("A target needs a name.")
    await world.note(
        *(tools.noted(place="a", number=n) for n in range(3)),
        tools.noted(place="b", number=7),
    )

    async def all_handled() -> bool:
        return bool(await world.value("SELECT count(*) FROM core.inbox") == 4)

    consumer = world.consumer()
    async with tools.running(world.relay(), consumer):
        await tools.eventually(all_handled)
        assert consumer.health() is None
    assert sorted(await world.numbers()) == [0, 7]
    dead, parked = await world.letters()
    assert (dead.state, dead.attempts) == ("dead", 1)
    assert dead.error.startswith("A target needs a name.")
    assert parked.state == "parked"


async def test_a_fault_of_ours_is_tried_some_times_first(
    world: Any, tools: Any
) -> None:
    world.broken[0] = KeyError("oops")
    await world.note(*(tools.noted(place="a", number=n) for n in range(2)))

    async def put_aside() -> bool:
        return bool(await world.letters("dead"))

    async with tools.running(world.relay(), world.consumer()):
        await tools.eventually(put_aside)
    (dead,) = await world.letters("dead")
    assert dead.attempts == 5
    assert "KeyError" in dead.error
    assert "raise failure" in dead.error


async def test_too_many_dead_letters_stop_the_consumer(world: Any, tools: Any) -> None:
    for number in range(5):
        world.broken[number] = Invalid("wrong")
    await world.note(*(tools.noted(place=f"p{n}", number=n) for n in range(6)))
    limit = DeadLetterLimit(count=3, window=timedelta(minutes=5))
    consumer = world.consumer(dead_letter_limit=limit)

    async def stopped() -> bool:
        return "consuming stopped" in (consumer.health() or "")

    async with tools.running(world.relay(), consumer):
        await tools.eventually(stopped)
    assert len(await world.letters("dead")) == 3

    # Nothing of what was not handled is lost: a repaired service takes it up.
    world.broken.clear()

    async def rest_is_there() -> bool:
        return len(await world.numbers()) == 3

    async with tools.running(world.consumer(dead_letter_limit=limit)):
        await tools.eventually(rest_is_there)


async def test_partitions_move_between_members_without_repeating(
    world: Any, tools: Any
) -> None:
    total = 600
    everything = [tools.noted(place=f"p{n % 20}", number=n) for n in range(total)]
    second_stop = asyncio.Event()
    second = world.consumer(batch_size=20)

    async def count(wanted: int) -> bool:
        return len(await world.numbers()) >= wanted

    async with tools.running(world.relay(), world.consumer(batch_size=20)):
        await world.note(*everything[:200])
        await tools.eventually(lambda: count(50))
        joining = asyncio.create_task(second.run(second_stop))
        await world.note(*everything[200:400])
        await tools.eventually(lambda: count(400))
        second_stop.set()
        await world.note(*everything[400:])
        await tools.eventually(lambda: count(total))
        await joining
    for place in range(20):
        mine = await world.numbers(f"p{place}")
        assert mine == list(range(place, total, 20))


async def test_lost_database_sessions_delay_and_do_no_harm(
    world: Any, tools: Any
) -> None:
    total = 300

    async def count(wanted: int) -> bool:
        return len(await world.numbers()) >= wanted

    async with tools.running(world.relay(batch_size=20), world.consumer(batch_size=10)):
        for first in range(0, total, 50):
            await world.note(
                *(
                    tools.noted(place=f"p{n % 3}", number=n)
                    for n in range(first, first + 50)
                )
            )
            await world.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE usename = current_user AND pid <> pg_backend_pid()"
            )
        await tools.eventually(lambda: count(total))
    assert sorted(await world.numbers()) == list(range(total))
    assert await world.letters() == []


async def test_lag_counts_what_is_not_applied(world: Any, tools: Any) -> None:
    world.broken[0] = Unavailable("not now")
    await world.note(*(tools.noted(place="a", number=n) for n in range(10)))
    consumer = world.consumer()

    async def lag_is(wanted: int) -> bool:
        return bool(consumer.lag == wanted)

    async with tools.running(world.relay(), consumer):
        await tools.eventually(lambda: lag_is(10))
        world.broken.clear()
        await tools.eventually(lambda: lag_is(0))


async def test_a_consumer_waits_for_topics_that_do_not_exist_yet(
    world: Any, tools: Any, monkeypatch: Any
) -> None:
    from bhtom_contracts.registry import BY_PAYLOAD, Topic
    from bhtom_runtime.kafka.topics import create_topics

    later: Topic = replace(world.fact, name=f"{world.fact.name}.later")
    monkeypatch.setitem(BY_PAYLOAD, tools.noted, later)
    consumer = world.consumer()

    async def names_it() -> bool:
        return later.name in (consumer.health() or "")

    async def well() -> bool:
        return consumer.health() is None

    async def arrived() -> bool:
        return bool(await world.numbers())

    async with tools.running(consumer):
        await tools.eventually(names_it)
        await asyncio.to_thread(create_topics, world.bootstrap, [later])
        await tools.eventually(well)
        await world.note(tools.noted(place="a", number=1))
        async with tools.running(world.relay()):
            await tools.eventually(arrived)
