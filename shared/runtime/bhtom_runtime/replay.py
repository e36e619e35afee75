"""Applies dead letters again, or gives them up, and frees what waits behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select, update

from bhtom_runtime.database import Database
from bhtom_runtime.dead_letters import (
    OPEN,
    DeadLetter,
    DeadLetters,
    LetterState,
    get_letter,
    letter_of,
)
from bhtom_runtime.errors import Conflict
from bhtom_runtime.failures import account_of, sentence_of
from bhtom_runtime.inbox import tell
from bhtom_runtime.reading import Route
from bhtom_runtime.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Replayed:
    """How far a replay came: how many events it applied, and what stopped it."""

    applied: int
    stopped_at: int | None = None
    failure: str | None = None


class _Stopped(Exception):
    """An event of a replay that failed; its transaction is rolled back."""

    def __init__(self, letter: DeadLetter, error: Exception) -> None:
        super().__init__(str(error))
        self.letter = letter
        self.error = error


async def replay(
    database: Database, routes: Mapping[str, Route], letter_id: int
) -> Replayed:
    """Apply a dead letter, then what is parked behind it, each in one transaction.

    The inbox has marked these events already and is passed by.
    """
    return await _resolve(database, routes, letter_id, "replayed")


async def discard(
    database: Database, routes: Mapping[str, Route], letter_id: int
) -> Replayed:
    """Give a dead letter up, then apply what is parked behind it."""
    return await _resolve(database, routes, letter_id, "discarded")


async def _resolve(
    database: Database,
    routes: Mapping[str, Route],
    letter_id: int,
    state: LetterState,
) -> Replayed:
    applied = 0
    try:
        async with database.unit_of_work() as unit:
            first = await _claim_first(unit, database, letter_id)
            if state == "replayed":
                await _apply(unit, routes, first)
                applied += 1
            await _mark(unit, database, first, state)
        # What is parked goes out whole, in its order, before anything newer.
        while first.key and await _drain_one(database, routes, first):
            applied += 1
    except _Stopped as stopped:
        await _keep_failure(database, stopped)
        return Replayed(applied, stopped.letter.id, sentence_of(stopped.error))
    return Replayed(applied)


async def _claim_first(
    unit: UnitOfWork, database: Database, letter_id: int
) -> DeadLetter:
    """The dead letter, locked with its key, if it is the first of its key."""
    seen = await get_letter(database, letter_id)
    await _lock(unit, database, seen)
    head = await _head(unit, database, seen) if seen.key else None
    if head is not None and head.id != letter_id:
        raise Conflict(
            f"Dead letter {head.id} comes before {letter_id} and has the same key: "
            "resolve that one first."
        )
    table = database.infrastructure.dead_letters
    result = await unit.execute(
        select(table).where(table.c.id == letter_id).with_for_update()
    )
    letter = letter_of(result.one())
    if letter.state != "dead":
        raise Conflict(f"Dead letter {letter_id} is {letter.state} already.")
    return letter


async def _drain_one(
    database: Database, routes: Mapping[str, Route], behind: DeadLetter
) -> bool:
    """Apply the next parked event of the key; False when none is left."""
    async with database.unit_of_work() as unit:
        await _lock(unit, database, behind)
        row = await _head(unit, database, behind)
        if row is None or row.state != "parked":
            return False
        letter = letter_of(row)
        await _apply(unit, routes, letter)
        await _mark(unit, database, letter, "replayed")
    return True


async def _lock(unit: UnitOfWork, database: Database, letter: DeadLetter) -> None:
    letters = DeadLetters(database.infrastructure, letter.consumer)
    await letters.lock_key(unit, letter.message.partition.topic, letter.key)


async def _head(
    unit: UnitOfWork, database: Database, letter: DeadLetter
) -> Row[Any] | None:
    """The oldest unresolved row of this letter's key."""
    table = database.infrastructure.dead_letters
    result = await unit.execute(
        select(table)
        .where(
            table.c.consumer == letter.consumer,
            table.c.topic == letter.message.partition.topic,
            table.c.key == letter.key,
            table.c.state.in_(OPEN),
        )
        .order_by(table.c.id)
        .limit(1)
        .with_for_update()
    )
    return result.one_or_none()


async def _apply(
    unit: UnitOfWork, routes: Mapping[str, Route], letter: DeadLetter
) -> None:
    topic = letter.message.partition.topic
    route = routes.get(topic)
    if route is None:
        raise Conflict(f"Nobody here listens to {topic} any more: discard it.")
    event = route.read(letter.message)
    if event.received is None:
        raise _Stopped(letter, event.failure or ValueError("It cannot be read."))
    try:
        await tell(unit, route, event.received)
    except Exception as error:
        raise _Stopped(letter, error) from error


async def _mark(
    unit: UnitOfWork, database: Database, letter: DeadLetter, state: LetterState
) -> None:
    table = database.infrastructure.dead_letters
    await unit.execute(
        update(table)
        .where(table.c.id == letter.id)
        .values(state=state, resolved_at=datetime.now(UTC))
    )


async def _keep_failure(database: Database, stopped: _Stopped) -> None:
    """Note the new failure; a parked event that fails is the dead one from now on."""
    table = database.infrastructure.dead_letters
    async with database.unit_of_work() as unit:
        await unit.execute(
            update(table)
            .where(table.c.id == stopped.letter.id, table.c.state.in_(OPEN))
            .values(
                state="dead",
                error=account_of(stopped.error),
                attempts=table.c.attempts + 1,
            )
        )
