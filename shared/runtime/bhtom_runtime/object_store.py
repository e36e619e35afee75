"""Files by their content: a small port, and the local folder behind it."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self, TypeVar

from bhtom_runtime.errors import Invalid, NotFound
from bhtom_runtime.object_collection import (
    Collected,
    ReferencedKeys,
    collect_folder,
)
from bhtom_runtime.object_writer import FolderWriter, StoredObject

_PREFIX: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}(/[a-z0-9][a-z0-9_-]{0,62}){0,3}")
_KEY: Final = re.compile(
    _PREFIX.pattern + r"/(?P<folder>[0-9a-f]{2})/(?P=folder)[0-9a-f]{62}"
)
_READ_BYTES: Final = 256 * 1024
_THREADS: Final = 8

Result = TypeVar("Result")


class ObjectWriter(Protocol):
    """A file being received; leaving its block without `commit` removes it."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None: ...

    @property
    def size_bytes(self) -> int:
        """How many bytes were fed so far."""
        ...

    @property
    def path(self) -> Path:
        """The temporary file with all that was fed, for checks before the commit."""
        ...

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes; raises TooLarge or NoSpace."""
        ...

    async def flush(self) -> None:
        """Bring all that was fed into the temporary file."""
        ...

    async def commit(self) -> StoredObject:
        """Make the file durable and give it its name."""
        ...

    async def abort(self) -> None:
        """Remove the temporary file; nothing happens after a commit."""
        ...


class ObjectStore(Protocol):
    """Where files are kept; their key is `<prefix>/<aa>/<sha256>`."""

    async def write(
        self, prefix: str, chunks: AsyncIterator[bytes], max_bytes: int | None = None
    ) -> StoredObject:
        """Store a stream; raises TooLarge or NoSpace and leaves nothing behind."""
        ...

    def open_writer(self, prefix: str, max_bytes: int | None = None) -> ObjectWriter:
        """Begin a file that is fed piece by piece."""
        ...

    def path(self, key: str) -> Path:
        """Where a worker on this machine reads the file."""
        ...

    def read(self, key: str) -> AsyncIterator[bytes]:
        """The file's bytes in pieces; raises NotFound before the first one."""
        ...

    async def exists(self, key: str) -> bool:
        """Whether the file is here."""
        ...

    async def delete(self, key: str) -> None:
        """Remove the file; removing it twice is no error."""
        ...

    def free_bytes(self) -> int:
        """Room that is left; it may ask a disk, so call it off the event loop."""
        ...

    async def collect(
        self, prefix: str, referenced: ReferencedKeys, older_than: timedelta
    ) -> Collected:
        """Remove old files that no row refers to, and what broken uploads left."""
        ...


class LocalFolder:
    """An object store in a folder of this machine (or of a shared volume)."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        # Its own threads: a slow disk must not hold up what else runs in threads.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="object-store")

    def open_writer(self, prefix: str, max_bytes: int | None = None) -> FolderWriter:
        """Begin a file that is fed piece by piece."""
        folder = self.root / _checked_prefix(prefix)
        return FolderWriter(folder, prefix, self._threads, max_bytes)

    async def write(
        self, prefix: str, chunks: AsyncIterator[bytes], max_bytes: int | None = None
    ) -> StoredObject:
        """Store a stream; raises TooLarge or NoSpace and leaves nothing behind."""
        async with self.open_writer(prefix, max_bytes) as writer:
            async for chunk in chunks:
                await writer.feed(chunk)
            return await writer.commit()

    def path(self, key: str) -> Path:
        """Where a worker on this machine reads the file."""
        if _KEY.fullmatch(key) is None:
            raise Invalid(
                "The object key is not of the form <prefix>/<aa>/<sha256>.",
                code="object_key",
            )
        return self.root / key

    def read(self, key: str) -> AsyncIterator[bytes]:
        """The file's bytes in pieces; raises NotFound before the first one."""
        path = self.path(key)
        if not path.is_file():
            raise NotFound(f"The file {key} is not in the store.", code="object")
        return self._pieces(path)

    async def _pieces(self, path: Path) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        file = await loop.run_in_executor(self._threads, path.open, "rb", 0)
        try:
            while piece := await loop.run_in_executor(
                self._threads, file.read, _READ_BYTES
            ):
                yield piece
        finally:
            file.close()

    async def exists(self, key: str) -> bool:
        """Whether the file is here."""
        return await self._in_thread(self.path(key).is_file)

    async def delete(self, key: str) -> None:
        """Remove the file; removing it twice is no error."""
        path = self.path(key)
        await self._in_thread(lambda: path.unlink(missing_ok=True))

    def free_bytes(self) -> int:
        """Room that is left on the folder's file system."""
        self.root.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self.root).free

    async def collect(
        self, prefix: str, referenced: ReferencedKeys, older_than: timedelta
    ) -> Collected:
        """Remove old files that no row refers to, and what broken uploads left."""
        folder = self.root / _checked_prefix(prefix)
        return await collect_folder(
            folder, prefix, referenced, older_than, self._threads
        )

    async def is_ready(self) -> bool:
        """Whether the folder can be written to."""

        def writable() -> bool:
            try:
                self.root.mkdir(parents=True, exist_ok=True)
            except OSError:
                return False
            return os.access(self.root, os.W_OK | os.X_OK)

        return await self._in_thread(writable)

    async def _in_thread(self, function: Callable[[], Result]) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function)


def _checked_prefix(prefix: str) -> str:
    if _PREFIX.fullmatch(prefix) is None:
        raise Invalid(
            "An object prefix is made of small letters, digits, - and _.",
            code="object_prefix",
        )
    return prefix


__all__ = [
    "Collected",
    "LocalFolder",
    "ObjectStore",
    "ObjectWriter",
    "ReferencedKeys",
    "StoredObject",
]
