"""A dead letter holds back its key and nothing else; replay lets it go in order."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bhtom_runtime.dead_letters import DeadLetterLimit, DeadLetters, TooManyDeadLetters
from bhtom_runtime.errors import Conflict, NotFound
from bhtom_runtime.failures import Permanent
from bhtom_runtime.replay import discard, replay


async def bury_first(world: Any, tools: Any, place: str = "a") -> int:
    """Make number 1 of a place dead, with numbers 2 and 3 parked behind it."""
    inbox = world.inbox()
    dead = world.message(tools.noted(place=place, number=1))
    await inbox.bury(dead, Permanent("it cannot be"), 3)
    await inbox.apply(
        [world.message(tools.noted(place=place, number=n)) for n in (2, 3)]
    )
    letters = await world.letters("dead")
    letter_id: int = next(one.id for one in letters if one.key == place)
    return letter_id


async def test_later_events_of_the_key_wait_and_others_do_not(
    world: Any, tools: Any
) -> None:
    await bury_first(world, tools)
    await world.inbox().apply([world.message(tools.noted(place="b", number=9))])
    assert await world.numbers() == [9]
    assert [one.state for one in await world.letters()] == ["dead", "parked", "parked"]
    dead = (await world.letters("dead"))[0]
    assert dead.attempts == 3
    assert dead.error.startswith("it cannot be")


async def test_replay_applies_the_key_in_order(world: Any, tools: Any) -> None:
    letter = await bury_first(world, tools)
    done = await replay(world.database, world.routes(), letter)
    assert (done.applied, done.failure) == (3, None)
    assert await world.numbers() == [1, 2, 3]
    assert await world.letters() == []
    await world.inbox().apply([world.message(tools.noted(place="a", number=4))])
    assert await world.numbers() == [1, 2, 3, 4]


async def test_discard_gives_up_one_and_frees_the_rest(world: Any, tools: Any) -> None:
    letter = await bury_first(world, tools)
    done = await discard(world.database, world.routes(), letter)
    assert done.applied == 2
    assert await world.numbers() == [2, 3]
    assert [one.id for one in await world.letters("discarded")] == [letter]


async def test_a_replay_that_fails_again_keeps_the_order(
    world: Any, tools: Any
) -> None:
    letter = await bury_first(world, tools)
    world.broken[2] = RuntimeError("still wrong")
    done = await replay(world.database, world.routes(), letter)
    assert done.applied == 1
    assert "still wrong" in (done.failure or "")
    assert await world.numbers() == [1]
    states = {one.message.body[-2:-1]: one.state for one in await world.letters()}
    assert states == {b"2": "dead", b"3": "parked"}
    world.broken.clear()
    await replay(world.database, world.routes(), done.stopped_at)
    assert await world.numbers() == [1, 2, 3]


async def test_a_replay_and_new_events_at_once_lose_and_shuffle_nothing(
    world: Any, tools: Any
) -> None:
    letter = await bury_first(world, tools)
    inbox = world.inbox()

    async def go_on() -> None:
        for number in range(4, 60):
            await inbox.apply([world.message(tools.noted(place="a", number=number))])

    await asyncio.gather(go_on(), replay(world.database, world.routes(), letter))
    assert await world.letters() == []
    assert await world.numbers() == list(range(1, 60))


async def test_an_event_is_never_parked_behind_a_drained_key(
    world: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = await bury_first(world, tools)
    park = DeadLetters.park
    replays: list[asyncio.Task[Any]] = []

    async def ends_or_waits() -> bool:
        waiting = await world.value(
            "SELECT count(*) FROM pg_locks JOIN pg_database AS here "
            "ON here.oid = database AND here.datname = current_database() "
            "WHERE locktype = 'advisory' AND NOT granted"
        )
        return replays[0].done() or waiting > 0

    async def replay_just_before(self: DeadLetters, unit: Any, event: Any) -> None:
        """The worst moment: we saw the key open, and have not parked yet."""
        replays.append(
            asyncio.create_task(replay(world.database, world.routes(), letter))
        )
        await tools.eventually(ends_or_waits)
        await park(self, unit, event)

    monkeypatch.setattr(DeadLetters, "park", replay_just_before)
    await world.inbox().apply([world.message(tools.noted(place="a", number=4))])
    await replays[0]
    assert await world.letters() == []
    assert await world.numbers() == [1, 2, 3, 4]


async def test_only_the_dead_one_of_a_key_can_be_replayed(
    world: Any, tools: Any
) -> None:
    letter = await bury_first(world, tools)
    parked = (await world.letters("parked"))[0]
    with pytest.raises(Conflict, match="comes before"):
        await replay(world.database, world.routes(), parked.id)
    await discard(world.database, world.routes(), letter)
    with pytest.raises(Conflict, match="discarded already"):
        await replay(world.database, world.routes(), letter)
    with pytest.raises(NotFound):
        await replay(world.database, world.routes(), 10**9)


async def test_a_newer_snapshot_replaces_a_dead_one(world: Any, tools: Any) -> None:
    inbox = world.inbox()

    def held(version: int, **changes: Any) -> Any:
        payload = tools.held(place="a", number=version, aggregate_version=version)
        return world.message(payload, **changes)

    await inbox.bury(held(5), Permanent("no"), 1)
    await inbox.apply([held(4)])
    assert [one.state for one in await world.letters()] == ["dead"]
    await inbox.apply([held(6)])
    assert await world.letters() == []
    assert [one.state for one in await world.letters("replaced")] == ["replaced"]
    assert await world.numbers() == [4, 6]


async def test_a_snapshot_of_a_later_epoch_is_newer(world: Any, tools: Any) -> None:
    inbox = world.inbox()
    old = tools.held(place="a", number=1, aggregate_version=900)
    new = tools.held(place="a", number=2, aggregate_version=3)
    await inbox.bury(world.message(old, epoch=1), Permanent("no"), 1)
    await inbox.apply([world.message(new, epoch=2)])
    assert await world.letters() == []


async def test_an_unreadable_snapshot_is_replaced_by_any_later_one(
    world: Any, tools: Any
) -> None:
    payload = tools.held(place="a", number=1, aggregate_version=1)
    await world.inbox().apply([world.message(payload, body=b"[]")])
    assert len(await world.letters("dead")) == 1
    await world.inbox().apply([world.message(payload)])
    assert await world.letters() == []
    assert await world.numbers() == [1]


async def test_an_event_applied_meanwhile_is_not_buried(world: Any, tools: Any) -> None:
    message = world.message(tools.noted(place="a", number=1))
    await world.inbox().apply([message])
    await world.inbox().bury(message, Permanent("late"), 1)
    assert await world.letters() == []


async def test_too_many_dead_letters_are_refused(world: Any, tools: Any) -> None:
    inbox = world.inbox(DeadLetterLimit(count=2, window=timedelta(minutes=10)))
    bad = [
        world.message(tools.noted(place=f"p{n}", number=n), body=b"") for n in range(3)
    ]
    await inbox.apply(bad[:2])
    with pytest.raises(TooManyDeadLetters, match="consuming stopped"):
        await inbox.apply(bad[2:])
    assert len(await world.letters()) == 2
    assert await world.value("SELECT count(*) FROM core.inbox") == 2
    await discard(world.database, world.routes(), (await world.letters())[0].id)
    await inbox.apply(bad[2:])
    assert len(await world.letters("dead")) == 2
