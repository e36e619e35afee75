"""Drawings are made once and kept within a bound."""

import asyncio

import pytest

from bhtom_cpcs.calibrations.explanations import KeptDrawings


class Artist:
    """Counts what it draws, and how many drawings are made at once."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.made = 0
        self.at_once = 0
        self.most_at_once = 0

    async def draw(self) -> bytes:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        self.made += 1
        return bytes([self.made]) * self.size


async def test_a_drawing_is_made_once_for_all_who_ask() -> None:
    artist, kept = Artist(10), KeptDrawings(100)
    answers = await asyncio.gather(
        *(kept.drawn("one", "svg", artist.draw) for _ in range(5)),
        kept.drawn("one", "png", artist.draw),
    )
    assert artist.made == 2
    assert artist.most_at_once == 1
    assert len(set(answers[:5])) == 1
    assert answers[5] != answers[0]


async def test_those_not_asked_for_longest_go_first() -> None:
    artist, kept = Artist(40), KeptDrawings(100)
    for key in ("one", "two", "one", "three", "one"):
        await kept.drawn(key, "svg", artist.draw)
    assert artist.made == 3
    await kept.drawn("two", "svg", artist.draw)
    assert artist.made == 4


async def test_one_larger_than_the_bound_is_still_given() -> None:
    artist, kept = Artist(1000), KeptDrawings(100)
    assert len(await kept.drawn("one", "svg", artist.draw)) == 1000


async def test_a_failed_drawing_is_tried_again() -> None:
    artist, kept = Artist(10), KeptDrawings(100)

    async def fail() -> bytes:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await kept.drawn("one", "svg", fail)
    assert await kept.drawn("one", "svg", artist.draw)
