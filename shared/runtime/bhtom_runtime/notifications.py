"""One LISTEN connection a process, shared by all who wait for news of the schema."""

import asyncio
import random
from collections.abc import AsyncGenerator
from typing import Final
from weakref import WeakSet

import asyncpg
import structlog

from bhtom_runtime.database import Database

_logger = structlog.get_logger(__name__)

TICK_S: Final = 2.0
_PROBE_S: Final = 10.0
_LONGEST_PAUSE_S: Final = 5.0


class Notifications:
    """Wakes its subscribers at each NOTIFY of the schema, and every `tick_s` anyway."""

    def __init__(self, database: Database, *, tick_s: float = TICK_S) -> None:
        self._dsn = database.dsn
        self._channel = database.channel
        self._tick_s = tick_s
        self._waiting: WeakSet[asyncio.Event] = WeakSet()
        self._listening = asyncio.Event()
        self._ended = False

    async def subscribe(
        self, *, at_most_every_s: float = 0.0
    ) -> AsyncGenerator[None, None]:
        """Yield once at the start, then whenever something may have changed.

        Look at the rows after each turn: what changes between two turns is never
        missed, many changes may share one turn. It ends when the process stops.
        """
        news = asyncio.Event()
        self._waiting.add(news)
        while not self._ended:
            news.clear()
            yield
            if at_most_every_s:
                await asyncio.sleep(at_most_every_s)
            try:
                async with asyncio.timeout(self._tick_s):
                    await news.wait()
            except TimeoutError:
                continue

    async def listening(self) -> None:
        """Return when the database is being listened to."""
        await self._listening.wait()

    def health(self) -> str | None:
        """Nothing when news come at once, else what is wrong."""
        if self._listening.is_set():
            return None
        return (
            "The database does not take the listening connection; changes are "
            f"looked for every {self._tick_s:g} s."
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until told to stop; a lost connection is made again."""
        self._ended = False
        stopping = asyncio.create_task(stop.wait())
        failures = 0
        try:
            while not stop.is_set():
                try:
                    await self._listen(stopping)
                    failures = 0
                except (OSError, TimeoutError, asyncpg.PostgresError) as error:
                    _logger.warning("notifications_lost", reason=str(error))
                except asyncpg.InterfaceError as error:
                    _logger.warning("notifications_lost", reason=str(error))
                failures += 1
                pause = min(_LONGEST_PAUSE_S, 0.1 * 2 ** min(failures, 10))
                await asyncio.wait({stopping}, timeout=pause * random.uniform(0.5, 1))
        finally:
            stopping.cancel()
            self._ended = True
            self._wake_all()

    async def _listen(self, stopping: "asyncio.Task[bool]") -> None:
        """Hold one connection until it breaks or the process stops."""
        connection = await asyncpg.connect(
            self._dsn,
            timeout=5,
            command_timeout=5,
            server_settings={"application_name": f"{self._channel}_listen"},
        )
        broken = asyncio.Event()
        connection.add_termination_listener(lambda _: broken.set())
        breaking = asyncio.create_task(broken.wait())
        try:
            await connection.add_listener(self._channel, lambda *_: self._wake_all())
            self._listening.set()
            self._wake_all()  # what was said while nobody listened
            while not stopping.done() and not broken.is_set():
                # A peer that vanished without a word is found by asking.
                await asyncio.wait(
                    {stopping, breaking},
                    timeout=_PROBE_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not broken.is_set():
                    await connection.execute("SELECT 1")
        finally:
            self._listening.clear()
            breaking.cancel()
            connection.terminate()

    def _wake_all(self) -> None:
        for news in list(self._waiting):
            news.set()
