"""Messages as the rest of the runtime sees them."""

from dataclasses import dataclass
from typing import NamedTuple


class Partition(NamedTuple):
    """One ordered log of a topic."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it was read."""

    partition: Partition
    offset: int
    timestamp_ms: int
    key: bytes
    headers: list[tuple[str, bytes]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be written."""

    topic: str
    key: str
    headers: list[tuple[str, bytes]]
    body: bytes


class BrokerUnavailable(Exception):
    """Kafka does not answer, or the connection to it is not to be trusted now."""
