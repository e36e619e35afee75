"""One ordered lane for a partition: its events one after the other, come what may."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from bhtom_runtime.dead_letters import TooManyDeadLetters
from bhtom_runtime.event_metrics import FAILED_ATTEMPTS
from bhtom_runtime.failures import is_permanent, is_transient, sentence_of
from bhtom_runtime.inbox import Inbox
from bhtom_runtime.kafka.messages import Incoming, Partition
from bhtom_runtime.waiting import back_off_s, first_of

_logger = structlog.get_logger(__name__)

# A last batch may end when its partition goes to somebody else.
FINISH_S: Final = 5.0
MAX_ATTEMPTS: Final = 5
LONGEST_PAUSE_S: Final = 10.0
# So many bytes at most go into one transaction.
BATCH_BYTES: Final = 4 << 20

DoneCallback = Callable[[Sequence[Incoming]], None]
HaltCallback = Callable[[TooManyDeadLetters], None]


class Lane:
    """Applies the messages of one partition in order, and says what is done."""

    def __init__(
        self,
        partition: Partition,
        inbox: Inbox,
        slots: asyncio.Semaphore,
        *,
        batch_size: int,
        on_done: DoneCallback,
        on_halt: HaltCallback,
    ) -> None:
        self.problem: str | None = None
        self._inbox = inbox
        self._slots = slots
        self._batch_size = batch_size
        self._on_done = on_done
        self._on_halt = on_halt
        self._waiting: deque[Incoming] = deque()
        self._arrived = asyncio.Event()
        self._closing = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"lane {partition}")

    def put(self, messages: Sequence[Incoming]) -> None:
        """Add the next messages of the partition."""
        self._waiting.extend(messages)
        self._arrived.set()

    async def close(self, *, finish: bool) -> None:
        """Take no further message; the transaction in work may end if `finish`."""
        self._closing.set()
        self._waiting.clear()
        if finish:
            await asyncio.wait({self._task}, timeout=FINISH_S)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._arrived.clear()
                while self._waiting and not self._closing.is_set():
                    await self._work(self._next_batch())
                if not self._waiting:
                    await first_of(self._arrived, self._closing, timeout_s=60)
        except TooManyDeadLetters as error:
            self._on_halt(error)

    def _next_batch(self) -> list[Incoming]:
        batch: list[Incoming] = []
        size = 0
        while self._waiting and len(batch) < self._batch_size and size < BATCH_BYTES:
            message = self._waiting.popleft()
            size += len(message.body)
            batch.append(message)
        return batch

    async def _work(self, batch: Sequence[Incoming]) -> None:
        """A batch in one transaction; if that fails, each message in its own."""
        if len(batch) > 1:
            try:
                await self._apply(batch)
            except TooManyDeadLetters:
                raise
            except Exception as error:  # noqa: BLE001 - each is tried and judged alone
                self._say("batch failed, now one by one", batch[0], error)
            else:
                self._on_done(batch)
                return
        for message in batch:
            if self._closing.is_set() or not await self._insist(message):
                return
            self._on_done([message])

    async def _apply(self, messages: Sequence[Incoming]) -> None:
        async with self._slots:
            await self._inbox.apply(messages)

    async def _insist(self, message: Incoming) -> bool:
        """Apply one message, or bury it; False when the lane closes before."""
        attempt = 0
        while True:
            try:
                await self._apply([message])
            except TooManyDeadLetters:
                raise
            except Exception as error:  # noqa: BLE001 - judged by `_failed`
                attempt += 1
                if await self._failed(message, error, attempt):
                    break
            else:
                break
            if await first_of(
                self._closing,
                timeout_s=back_off_s(attempt, longest_s=LONGEST_PAUSE_S),
            ):
                return False
        self.problem = None
        return True

    async def _failed(self, message: Incoming, error: Exception, attempt: int) -> bool:
        """Judge a failure; True when the message is buried and the lane goes on."""
        FAILED_ATTEMPTS.labels(self._inbox.consumer, message.partition.topic).inc()
        exhausted = attempt >= MAX_ATTEMPTS and not is_transient(error)
        if is_permanent(error) or exhausted:
            try:
                async with self._slots:
                    await self._inbox.bury(message, error, attempt)
            except TooManyDeadLetters:
                raise
            except Exception as second:  # noqa: BLE001 - dropping it would lose it
                error = second
            else:
                return True
        self.problem = (
            f"The event at {_place(message)} could not be applied in {attempt} "
            f"attempts: {sentence_of(error)}"
        )
        self._say("event failed, it is tried again", message, error, attempt=attempt)
        return False

    def _say(
        self, what: str, message: Incoming, error: Exception, **more: object
    ) -> None:
        _logger.warning(what, place=_place(message), error=sentence_of(error), **more)


def _place(message: Incoming) -> str:
    place = message.partition
    return f"{place.topic}[{place.number}] offset {message.offset}"
