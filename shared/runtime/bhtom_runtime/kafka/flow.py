"""How much of each partition is in work, and how far it is done."""

from dataclasses import dataclass
from typing import Final

from bhtom_runtime.kafka.messages import Partition

# A partition is paused while this much of it waits, and read on below the half.
HIGH_WATER_EVENTS: Final = 2000
HIGH_WATER_BYTES: Final = 8 << 20


@dataclass(frozen=True, slots=True)
class Done:
    """Messages of a partition whose effect is committed in the database."""

    partition: Partition
    generation: int
    next_offset: int
    events: int
    size: int


@dataclass(slots=True)
class Flow:
    """What is known of one assigned partition."""

    generation: int
    events: int = 0
    size: int = 0
    paused: bool = False
    done: int | None = None
    committed: int | None = None
    start: int | None = None

    @property
    def is_full(self) -> bool:
        return self.events >= HIGH_WATER_EVENTS or self.size >= HIGH_WATER_BYTES

    @property
    def is_low(self) -> bool:
        return (
            self.events <= HIGH_WATER_EVENTS // 2 and self.size <= HIGH_WATER_BYTES // 2
        )

    def take(self, events: int, size: int) -> None:
        """Count messages that were handed over."""
        self.events += events
        self.size += size

    def finish(self, done: Done) -> None:
        """Count messages whose effect is committed."""
        self.events -= done.events
        self.size -= done.size
        self.done = done.next_offset
