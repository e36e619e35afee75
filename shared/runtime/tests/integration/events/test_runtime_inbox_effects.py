"""One transaction claims events and changes data: each event has one effect."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest


async def test_repeats_in_and_between_batches_have_no_effect(
    world: Any, tools: Any
) -> None:
    first = world.message(tools.noted(place="a", number=1))
    second = world.message(tools.noted(place="a", number=2))
    inbox = world.inbox()
    await inbox.apply([first, first, second])
    await inbox.apply([second, first])
    assert await world.numbers() == [1, 2]


async def test_a_batch_that_fails_leaves_nothing(world: Any, tools: Any) -> None:
    messages = [world.message(tools.noted(place="a", number=n)) for n in range(3)]
    world.broken[2] = RuntimeError("boom")
    with pytest.raises(RuntimeError, match="boom"):
        await world.inbox().apply(messages)
    assert await world.numbers() == []
    assert await world.value("SELECT count(*) FROM core.inbox") == 0
    world.broken.clear()
    await world.inbox().apply(messages)
    assert await world.numbers() == [0, 1, 2]


async def test_two_consumers_of_the_same_messages_share_one_effect(
    world: Any, tools: Any
) -> None:
    messages = [world.message(tools.noted(place="a", number=n)) for n in range(50)]
    inboxes = [world.inbox() for _ in range(4)]
    await asyncio.gather(*(inbox.apply(messages) for inbox in inboxes))
    assert await world.numbers() == list(range(50))


async def test_another_group_has_its_own_effect(world: Any, tools: Any) -> None:
    message = world.message(tools.noted(place="a", number=1))
    other = replace(world, group=f"{world.group}-other")
    await world.inbox().apply([message])
    await other.inbox().apply([message])
    assert await world.numbers() == [1, 1]


async def test_an_event_written_by_a_handler_continues_its_trace(
    world: Any, tools: Any
) -> None:
    async def answer(unit: Any, received: Any) -> None:
        unit.emit(tools.noted(place="answer", number=received.payload.number + 1))

    world.handle = answer
    trace = "0af7651916cd43dd8448eb211c80319c"
    message = world.message(tools.noted(place="a", number=1))
    headers = [
        *message.headers,
        ("traceparent", f"00-{trace}-b7ad6b7169203331-01".encode()),
    ]
    await world.inbox().apply([replace(message, headers=headers)])
    row = (await world.rows("SELECT key, traceparent FROM core.outbox"))[0]
    assert row.key == "answer"
    assert row.traceparent.split("-")[1] == trace


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"headers": []}, "no usable envelope"),
        ({"headers": [("ce_specversion", b"\xff\x00")]}, "no usable envelope"),
        ({"body": b"not json"}, "does not fit the schema"),
        ({"body": b"{}"}, "place: Field required"),
        ({"body": b""}, "does not fit the schema"),
    ],
)
async def test_what_cannot_be_read_is_a_dead_letter_and_stops_nobody(
    world: Any, tools: Any, changes: dict[str, Any], why: str
) -> None:
    bad = world.message(tools.noted(place="bad", number=1), **changes)
    good = world.message(tools.noted(place="good", number=2))
    await world.inbox().apply([bad, good])
    await world.inbox().apply([bad])
    assert await world.numbers() == [2]
    (letter,) = await world.letters()
    assert why in letter.error
    assert letter.message == bad
    assert letter.state == "dead"


async def test_a_message_of_another_type_is_a_dead_letter(
    world: Any, tools: Any
) -> None:
    held = world.message(tools.held(place="a", number=1, aggregate_version=1))
    noted = world.message(tools.noted(place="a", number=1))
    await world.inbox().apply([replace(noted, headers=held.headers)])
    (letter,) = await world.letters()
    assert world.state.name in letter.error


async def test_hostile_keys_and_headers_are_kept(world: Any, tools: Any) -> None:
    message = world.message(
        tools.noted(place="a", number=1),
        key=b"\x00\xff key",
        headers=[("x\x00y", b"\x00\xfe"), ("ce_specversion", b"1.0")],
    )
    await world.inbox().apply([message])
    (letter,) = await world.letters()
    assert letter.message.headers[0][1] == b"\x00\xfe"
    assert "\x00" not in letter.key
