"""Consumes events: one reading thread, one ordered lane a partition, one inbox."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import structlog

from bhtom_runtime.database import Database
from bhtom_runtime.dead_letters import DeadLetterLimit, TooManyDeadLetters
from bhtom_runtime.event_metrics import CONSUMER_LAG, CONSUMER_STOPPED
from bhtom_runtime.inbox import Inbox
from bhtom_runtime.kafka.flow import Done
from bhtom_runtime.kafka.messages import BrokerUnavailable, Incoming, Partition
from bhtom_runtime.kafka.poller import Poller
from bhtom_runtime.lanes import Lane
from bhtom_runtime.reading import routes_of
from bhtom_runtime.service import Subscription
from bhtom_runtime.waiting import first_of

_logger = structlog.get_logger(__name__)

RELEASE_S: Final = 10.0
REPORT_S: Final = 2.0
BEGIN_AGAIN_S: Final = 0.5


class EventConsumer:
    """A service's consumer: a member of its group, as many as there are processes.

    `concurrency` is how many partitions are worked on at once: each takes a
    connection of the pool that the process shares.
    """

    def __init__(
        self,
        database: Database,
        bootstrap_servers: str,
        *,
        group: str,
        subscriptions: Sequence[Subscription],
        batch_size: int = 500,
        concurrency: int = 4,
        dead_letter_limit: DeadLetterLimit | None = None,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._group = group
        self._batch_size = batch_size
        self._routes = routes_of(subscriptions)
        self._inbox = Inbox(database, group, self._routes, dead_letter_limit)
        self._slots = asyncio.Semaphore(concurrency)
        self._lanes: dict[Partition, Lane] = {}
        self._poller: Poller | None = None
        self._halted: TooManyDeadLetters | None = None
        self._problem: str | None = "The consumer has not started yet."

    @property
    def lag(self) -> int:
        """Events in the assigned partitions that are not applied yet."""
        return self._poller.lag if self._poller is not None else 0

    def health(self) -> str | None:
        """What keeps events from being applied."""
        if self._halted is not None:
            return str(self._halted)
        if self._problem is not None:
            return self._problem
        if self._poller is not None and self._poller.problem is not None:
            return self._poller.problem
        problems = (lane.problem for lane in self._lanes.values())
        return next((problem for problem in problems if problem), None)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until told to stop, or until there are too many dead letters."""
        if not self._routes:
            self._problem = None
            await stop.wait()
            return
        CONSUMER_STOPPED.labels(self._group).set(0)
        while not stop.is_set() and self._halted is None:
            try:
                await self._consume(stop)
            except BrokerUnavailable as error:
                self._problem = f"Kafka cannot be read: {error}"
                _logger.warning("consumer begins again", error=str(error))
                await first_of(stop, timeout_s=BEGIN_AGAIN_S)
        if self._halted is not None:
            # The alarm stays on until somebody has looked and starts it again.
            await stop.wait()

    async def _consume(self, stop: asyncio.Event) -> None:
        """One membership of the group, in a thread of its own."""
        loop = asyncio.get_running_loop()
        ending = threading.Event()
        thread = ThreadPoolExecutor(1, thread_name_prefix=self._group)
        try:
            poller = await loop.run_in_executor(
                thread,
                Poller,
                self._bootstrap_servers,
                self._group,
                list(self._routes),
                _Lanes(self, loop),
            )
            self._poller, self._problem = poller, None
            reading = loop.run_in_executor(thread, poller.run, ending)
            try:
                while not reading.done() and not stop.is_set() and not self._halted:
                    await self._report(reading, stop)
            finally:
                ending.set()
                await asyncio.shield(reading)
        finally:
            # Not wait=True: the thread may be waiting for this very event loop.
            thread.shutdown(wait=False)

    async def _report(
        self, reading: "asyncio.Future[None]", stop: asyncio.Event
    ) -> None:
        CONSUMER_LAG.labels(self._group).set(self.lag)
        stopping = asyncio.ensure_future(stop.wait())
        try:
            ends: set[asyncio.Future[Any]] = {reading, stopping}
            await asyncio.wait(
                ends, timeout=REPORT_S, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stopping.cancel()

    def halt(self, error: TooManyDeadLetters) -> None:
        """Stop consuming and raise the alarm."""
        if self._halted is None:
            self._halted = error
            CONSUMER_STOPPED.labels(self._group).set(1)
            _logger.critical("consumer stopped", group=self._group, reason=str(error))

    def receive(
        self, partition: Partition, generation: int, messages: Sequence[Incoming]
    ) -> None:
        """Put messages into their partition's lane (in the event loop)."""
        lane = self._lanes.get(partition)
        if lane is None:
            lane = self._lanes[partition] = self._open_lane(partition, generation)
        lane.put(messages)

    async def release(self, partitions: Sequence[Partition], finish: bool) -> None:
        """Close the lanes of these partitions (in the event loop)."""
        lanes = [self._lanes.pop(one) for one in partitions if one in self._lanes]
        await asyncio.gather(*(lane.close(finish=finish) for lane in lanes))

    def _open_lane(self, partition: Partition, generation: int) -> Lane:
        poller = self._poller
        assert poller is not None  # noqa: S101 - it is who calls

        def on_done(messages: Sequence[Incoming]) -> None:
            poller.done(
                Done(
                    partition=partition,
                    generation=generation,
                    next_offset=messages[-1].offset + 1,
                    events=len(messages),
                    size=sum(len(message.body) for message in messages),
                )
            )

        return Lane(
            partition,
            self._inbox,
            self._slots,
            batch_size=self._batch_size,
            on_done=on_done,
            on_halt=self.halt,
        )


class _Lanes:
    """The consumer's lanes as the reading thread reaches them."""

    def __init__(
        self, consumer: EventConsumer, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._consumer = consumer
        self._loop = loop

    def receive(
        self, partition: Partition, generation: int, messages: Sequence[Incoming]
    ) -> None:
        self._loop.call_soon_threadsafe(
            self._consumer.receive, partition, generation, messages
        )

    def release(self, partitions: Sequence[Partition], *, finish: bool) -> None:
        released = asyncio.run_coroutine_threadsafe(
            self._consumer.release(partitions, finish), self._loop
        )
        try:
            released.result(timeout=RELEASE_S)
        except TimeoutError:
            # What they still do is repeated by the new owner, and known to the inbox.
            _logger.warning("lanes did not end in time", count=len(partitions))
