"""Pauses and waits of the loops."""

import asyncio

from bhtom_runtime.waiting import back_off_s, first_of


def test_pauses_grow_to_their_longest() -> None:
    for _ in range(50):
        pauses = [back_off_s(n, first_s=0.1, longest_s=5) for n in range(1, 2000, 7)]
        assert 0.08 <= pauses[0] <= 0.1
        assert all(4 <= pause <= 5 for pause in pauses[1:])


async def test_the_first_event_ends_the_wait() -> None:
    early, late = asyncio.Event(), asyncio.Event()
    waiting = asyncio.create_task(first_of(late, early, timeout_s=30))
    await asyncio.sleep(0)
    early.set()
    assert await waiting
    assert await first_of(late, early, timeout_s=0)
    assert not await first_of(late, timeout_s=0.001)
