"""A file on its way into the store: looked at before it is kept."""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Final, Self

from starlette.requests import ClientDisconnect, Request

from bhtom_contracts.events.cameras import HeaderKeywords
from bhtom_contracts.events.frames import CalibratedKind
from bhtom_runtime.object_store import ObjectWriter, StoredObject
from bhtom_runtime.unpacking import may_be_packed
from bhtom_upload.intake.catalogue_checks import TableContents, look_at_table
from bhtom_upload.intake.checks import Contents, look_at
from bhtom_upload.intake.refusals import WHAT_TO_UPLOAD, FrameRefused

_FITS_MAGIC: Final = b"SIMPLE  ="


class Incoming:
    """One file being received; leaving its block without `keep` removes it."""

    def __init__(
        self, writer: ObjectWriter, name: str, kind: CalibratedKind | None
    ) -> None:
        self.name = name
        self._kind = kind
        self._writer = writer
        self._head = b""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self._writer.abort()

    @property
    def size_bytes(self) -> int:
        """How much came so far."""
        return self._writer.size_bytes

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes; what is plainly no frame is refused at its first."""
        if self._kind == "fits_file" and len(self._head) < len(_FITS_MAGIC):
            self._head += chunk[: len(_FITS_MAGIC)]
            if not looks_like_frame(self._head):
                raise FrameRefused(
                    "not_fits",
                    f"'{self.name}' is not a FITS file: it does not begin with a "
                    f"SIMPLE card. {WHAT_TO_UPLOAD}",
                )
        await self._writer.feed(chunk)

    async def look(self, max_unpacked_bytes: int) -> Contents:
        """Check a frame once all of it was received."""
        await self._complete()
        return await asyncio.to_thread(look_at, self._writer.path, max_unpacked_bytes)

    async def look_for_table(self, keywords: HeaderKeywords) -> TableContents:
        """Check an instrumental catalogue once all of it was received."""
        await self._complete()
        return await asyncio.to_thread(look_at_table, self._writer.path, keywords)

    async def _complete(self) -> None:
        if self.size_bytes == 0:
            raise FrameRefused(
                "empty_file", f"'{self.name}' is empty. Upload the whole file."
            )
        await self._writer.flush()

    async def keep(self) -> StoredObject:
        """Give the file its place in the store."""
        return await self._writer.commit()


def looks_like_frame(head: bytes) -> bool:
    """Whether the first bytes, however few, are those of a FITS or packed file."""
    return _FITS_MAGIC[: len(head)] == head[: len(_FITS_MAGIC)] or may_be_packed(head)


async def body_of(request: Request) -> AsyncIterator[bytes]:
    """The request's body; a caller who goes away has uploaded nothing."""
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect as error:
        raise FrameRefused(
            "interrupted", "The connection ended before the whole file had come."
        ) from error
