"""Relays and consumers are killed; nothing is lost, nothing doubled, and we'd know."""

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from bhtom_contracts.events.photometry import LightCurveUpdated
from bhtom_runtime.database import Database
from bhtom_runtime.kafka.topics import create_topics
from bhtom_runtime.tables import infrastructure, service_metadata

PROGRAM = Path(__file__).with_name("event_program.py")
ROLES = ("relay", "consumer", "commit-first", "work-first")
ROUNDS = 3
EVENTS_A_ROUND = 600
PATIENCE_S = 90.0


class Killed:
    """Processes that are killed without warning and started again."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.kills = 0

    def start(self, role: str) -> None:
        url, bootstrap, group, target = self._arguments
        command = [sys.executable, str(PROGRAM), role, url, bootstrap]
        self._running[role] = subprocess.Popen(
            [*command, f"{group}-{role}", target], stdout=subprocess.DEVNULL
        )

    def kill(self, role: str) -> None:
        process = self._running[role]
        assert process.poll() is None, f"{role} ended by itself"
        process.kill()
        process.wait()
        self.kills += 1

    @classmethod
    @contextmanager
    def run(cls, *arguments: str) -> Iterator["Killed"]:
        processes = cls(*arguments)
        try:
            for role in ROLES:
                processes.start(role)
            yield processes
        finally:
            for process in processes._running.values():
                process.kill()
                process.wait()


class Ledger:
    """What was asked for and what was done."""

    def __init__(self, database: Database, target: int) -> None:
        self._database = database
        self._target = target
        self.written = 0

    async def prepare(self) -> None:
        metadata = service_metadata("core")
        tables = infrastructure(metadata)
        async with self._database.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
            await connection.execute(insert(tables.epoch).values(epoch=1))
            await connection.execute(
                text(
                    "CREATE TABLE core.effects (id bigint GENERATED ALWAYS AS IDENTITY,"
                    " role text NOT NULL, number integer NOT NULL)"
                )
            )

    async def write(self, count: int) -> None:
        for first in range(0, count, 20):
            async with self._database.unit_of_work() as unit:
                for number in range(first, min(first + 20, count)):
                    unit.emit(
                        LightCurveUpdated(
                            target_id=self._target,
                            light_curve_version=self.written + number,
                            point_count=0,
                            updated_at=datetime.now(UTC),
                        )
                    )
        self.written += count

    async def effects(self, role: str) -> list[int]:
        async with self._database.read() as connection:
            result = await connection.execute(
                text("SELECT number FROM core.effects WHERE role = :role ORDER BY id"),
                {"role": role},
            )
            return list(result.scalars())

    async def grows(self, role: str, by: int) -> None:
        """Wait until a role has done so much more, or all that there is."""
        end = time.monotonic() + PATIENCE_S
        start = len(await self.effects(role))
        while len(done := await self.effects(role)) < start + by:
            if self.written - 1 in done:
                return
            assert time.monotonic() < end, f"{role} does nothing any more"
            await asyncio.sleep(0.005)

    async def reaches_the_end(self, role: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while self.written - 1 not in await self.effects(role):
            assert time.monotonic() < end, f"{role} never came to the end"
            await asyncio.sleep(0.05)


@pytest.fixture
def target() -> int:
    """A target of this test alone."""
    return random.randrange(10**9, 2 * 10**9)


async def test_kills_lose_and_double_nothing_and_the_controls_are_caught(
    kafka_bootstrap: str,
    fresh_database: Callable[[str], str],
    unique_name: str,
    target: int,
    record_property: Callable[[str, Any], None],
) -> None:
    url = fresh_database("core")
    database = Database(url, infrastructure(service_metadata("core")))
    ledger = Ledger(database, target)
    await ledger.prepare()
    await asyncio.to_thread(create_topics, kafka_bootstrap)
    arguments = (url, kafka_bootstrap, unique_name, str(target))
    with Killed.run(*arguments) as processes:
        for _ in range(ROUNDS):
            await ledger.write(EVENTS_A_ROUND)

            async def strike(role: str) -> None:
                if role != "relay":
                    await ledger.grows(role, random.randrange(30, 300))
                processes.kill(role)
                processes.start(role)

            await asyncio.gather(*(strike(role) for role in ROLES))
        # One partition, in order: who has done the last one has seen them all.
        await ledger.write(1)
        await asyncio.gather(*(ledger.reaches_the_end(role) for role in ROLES[1:]))
    figures = {}
    for role in ROLES[1:]:
        effects = await ledger.effects(role)
        done = Counter(effects)
        lost = sum(number not in done for number in range(ledger.written))
        doubled = sum(count - 1 for count in done.values())
        figures[role] = (lost, doubled)
        record_property(role, f"{lost} lost, {doubled} doubled")
    in_order = await ledger.effects("consumer")
    await database.close()
    assert in_order == sorted(in_order), "the order of the key was broken"
    assert processes.kills == ROUNDS * len(ROLES)
    assert figures["consumer"] == (0, 0), figures
    assert figures["commit-first"][0] > 0, f"the loser was not caught: {figures}"
    assert figures["work-first"][1] > 0, f"the doubler was not caught: {figures}"
