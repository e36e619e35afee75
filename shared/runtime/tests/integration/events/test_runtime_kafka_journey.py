"""Events from one service's outbox to another's tables, each once and in order."""

from typing import Any


async def test_every_event_arrives_once_and_in_the_order_of_its_key(
    world: Any, tools: Any
) -> None:
    facts = [tools.noted(place=f"p{n % 7}", number=n) for n in range(700)]
    await world.note(*facts[:350])
    relay, consumer = world.relay(batch_size=100), world.consumer(batch_size=50)
    async with tools.running(relay, consumer):
        await world.note(*facts[350:])

        async def all_there() -> bool:
            return len(await world.numbers()) >= len(facts)

        await tools.eventually(all_there)
        assert relay.health() is None
        assert consumer.health() is None
    assert sorted(await world.numbers()) == list(range(700))
    for place in range(7):
        mine = await world.numbers(f"p{place}")
        assert mine == sorted(mine)
    assert await world.unpublished() == 0


async def test_a_consumer_that_starts_again_repeats_nothing(
    world: Any, tools: Any
) -> None:
    await world.note(*(tools.noted(place="a", number=n) for n in range(20)))

    async def count(wanted: int) -> bool:
        return len(await world.numbers()) >= wanted

    async with tools.running(world.relay(), world.consumer()):
        await tools.eventually(lambda: count(20))
    await world.note(*(tools.noted(place="a", number=n) for n in range(20, 40)))
    consumer = world.consumer()
    async with tools.running(world.relay(), consumer):
        await tools.eventually(lambda: count(40))
    assert await world.numbers() == list(range(40))
    claimed = await world.value("SELECT count(*) FROM core.inbox")
    assert claimed == 40


async def test_events_published_twice_have_one_effect(world: Any, tools: Any) -> None:
    await world.note(*(tools.noted(place=f"p{n}", number=n) for n in range(30)))
    last = tools.noted(place="last", number=1000)

    async def all_published() -> bool:
        return bool(await world.unpublished() == 0)

    async def last_is_there() -> bool:
        return 1000 in await world.numbers()

    async with tools.running(world.relay()):
        await tools.eventually(all_published)
        await world.rows("UPDATE core.outbox SET published_at = NULL RETURNING id")
        await tools.eventually(all_published)
    async with tools.running(world.relay(), world.consumer()):
        await world.note(last)
        await tools.eventually(last_is_there)

        async def rest_is_there() -> bool:
            return len(await world.numbers()) >= 31

        await tools.eventually(rest_is_there)
    assert sorted(await world.numbers()) == [*range(30), 1000]
