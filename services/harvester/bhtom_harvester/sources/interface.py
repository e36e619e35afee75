"""What a source of archive photometry offers to the harvester."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bhtom_contracts.events.photometry import HarvestedRow


class SourceUnreachable(Exception):
    """The archive did not answer; the harvest waits and is tried again.

    `after_s` is how long the archive asks to be left alone, 0 when it does not say.
    """

    def __init__(self, sentence: str, *, after_s: float = 0.0) -> None:
        super().__init__(sentence)
        self.after_s = after_s


class SourceBroken(Exception):
    """The archive answered something that its documented form does not allow."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked about a target: its names, and where it is [degrees, ICRS]."""

    target_id: int
    names: tuple[str, ...]
    ra: float | None
    dec: float | None


@dataclass(frozen=True, slots=True)
class Harvest:
    """What an archive has: its own name of the object, and rows (or none)."""

    record_name: str | None
    rows: Sequence[HarvestedRow]
    message: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A body as an archive answered it."""

    url: str
    body: bytes


class Fetcher(Protocol):
    """Polite access to one archive."""

    host: str

    async def get(self, path: str) -> Document | None:
        """A document; None when the archive says that there is none."""
        ...

    async def get_daily(
        self, path: str, is_sound: Callable[[bytes], bool]
    ) -> Document | None:
        """The same, kept for a day if it is sound: for lists of everything."""
        ...


class Source(Protocol):
    """An archive."""

    name: str
    title: str
    host: str
    citation: str

    async def harvest(self, wanted: Wanted) -> Harvest:
        """Everything the archive has of a target."""
        ...
