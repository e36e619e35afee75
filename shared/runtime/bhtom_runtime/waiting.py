"""Waiting for the first of several events, and pauses that grow."""

import asyncio
import random


async def first_of(*events: asyncio.Event, timeout_s: float) -> bool:
    """Wait until one of the events is set; False when the time is up before."""
    if any(event.is_set() for event in events):
        return True
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(
            waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for wait in waits:
            wait.cancel()
    return bool(done)


def back_off_s(attempt: int, *, first_s: float = 0.1, longest_s: float = 10.0) -> float:
    """The pause before attempt `attempt + 1`: it doubles, with a little chance."""
    pause_s = min(longest_s, first_s * 2.0 ** min(attempt - 1, 16))
    return pause_s * random.uniform(0.8, 1.0)
