"""What a source of archive photometry offers to the harvester."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bhtom_contracts.events.photometry import HarvestedRow


class SourceUnreachable(Exception):
    """The archive did not answer; the harvest waits and is tried again."""


class SourceBroken(Exception):
    """The archive answered something that its documented form does not allow."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The target a harvest is for."""

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

    async def get(self, path: str) -> Document | None:
        """A document; None when the archive says that there is none."""
        ...

    async def get_daily(self, path: str) -> Document | None:
        """The same, kept for a day: for lists of everything."""
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
