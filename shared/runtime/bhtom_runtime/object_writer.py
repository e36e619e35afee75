"""Receives a file into a folder: hashed and written off the event loop."""

import asyncio
import errno
import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

from bhtom_runtime.errors import NoSpace, TooLarge
from bhtom_runtime.object_collection import INCOMING, PART, locked

# One batch is written while the next one fills; more gains nothing, and an upload
# may hold no more memory than two of them.
BATCH_BYTES: Final = 512 * 1024
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A file in the store."""

    sha256: str
    size_bytes: int
    key: str


class FolderWriter:
    """A file being received; leaving its block without `commit` removes it."""

    def __init__(
        self,
        folder: Path,
        prefix: str,
        threads: ThreadPoolExecutor,
        max_bytes: int | None,
    ) -> None:
        self.size_bytes = 0
        self._folder = folder
        self._prefix = prefix
        self._threads = threads
        self._max_bytes = max_bytes
        self._path = folder / INCOMING / f"{uuid4().hex}{PART}"
        self._descriptor: int | None = None
        self._hash = hashlib.sha256()
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        self._in_flight: Future[None] | None = None
        self._over = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self.abort()

    @property
    def path(self) -> Path:
        """The temporary file with all that was fed, for checks before the commit."""
        # At most two batches into the page cache: quicker than a turn of the loop.
        if self._in_flight is not None:
            self._in_flight.result()
        self._write(self._take_batch())
        return self._path

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes; raises TooLarge or NoSpace."""
        self._must_be_open()
        self.size_bytes += len(chunk)
        if self._max_bytes is not None and self.size_bytes > self._max_bytes:
            raise TooLarge(
                f"The file is larger than {self._max_bytes} bytes.",
                max_bytes=self._max_bytes,
            )
        self._batch.append(bytes(chunk))
        self._batch_bytes += len(chunk)
        if self._batch_bytes >= BATCH_BYTES:
            await self._send()

    async def flush(self) -> None:
        """Bring all that was fed into the temporary file."""
        self._must_be_open()
        await self._send()
        await self._settled()

    async def commit(self) -> StoredObject:
        """Make the file durable and give it its name."""
        await self.flush()
        sha256 = self._hash.hexdigest()
        stored = StoredObject(
            sha256, self.size_bytes, f"{self._prefix}/{sha256[:2]}/{sha256}"
        )
        self._in_flight = self._threads.submit(self._finish, sha256)
        await self._settled()
        self._over = True
        return stored

    async def abort(self) -> None:
        """Remove the temporary file; nothing happens after a commit."""
        if self._over:
            return
        self._over = True
        self._batch.clear()
        discarding = self._threads.submit(self._discard, self._in_flight)
        await asyncio.shield(asyncio.wrap_future(discarding))

    def _must_be_open(self) -> None:
        if self._over:
            raise ValueError("This file was already committed or aborted.")

    def _take_batch(self) -> list[bytes]:
        batch, self._batch, self._batch_bytes = self._batch, [], 0
        return batch

    async def _send(self) -> None:
        await self._settled()
        batch = self._take_batch()
        self._in_flight = self._threads.submit(self._write, batch)

    async def _settled(self) -> None:
        if self._in_flight is None:
            return
        try:
            await asyncio.wrap_future(self._in_flight)
        except OSError as error:
            if error.errno in _FULL:
                raise NoSpace(
                    "The store has no room for this file; try again later.",
                    retry_after_s=300,
                ) from error
            raise

    # From here on: in a thread, one call at a time.

    def _write(self, batch: Sequence[bytes]) -> None:
        if self._descriptor is None:
            self._descriptor = _created(self._path)
        for chunk in batch:
            self._hash.update(chunk)
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def _finish(self, sha256: str) -> None:
        assert self._descriptor is not None  # noqa: S101 - narrows the type
        os.fsync(self._descriptor)
        os.utime(self._descriptor)  # collection spares what is new
        self._close()
        place = self._folder / sha256[:2]
        with locked(self._folder, exclusive=False):
            if not place.is_dir():
                place.mkdir(exist_ok=True)
                _fsync_folder(self._folder)
            self._path.rename(place / sha256)
        _fsync_folder(place)

    def _discard(self, in_flight: "Future[None] | None") -> None:
        if in_flight is not None:
            wait([in_flight])
        self._close()
        self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)


def _created(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
