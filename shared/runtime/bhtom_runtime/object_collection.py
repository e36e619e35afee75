"""Removes files that nothing refers to, without ever racing a new upload."""

import asyncio
import fcntl
import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

INCOMING: Final = ".incoming"
PART: Final = ".part"
_LOCK: Final = ".lock"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_FOLDER: Final = re.compile(r"[0-9a-f]{2}")
_BATCH: Final = 500
# A temporary file that was not written to for so long has nobody who writes it.
_STALE: Final = timedelta(hours=1)

ReferencedKeys = Callable[[Sequence[str]], Awaitable[Collection[str]]]
"""Says which of the given keys a row still refers to."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection removed."""

    objects: int
    object_bytes: int
    temporary_files: int


@contextmanager
def locked(folder: Path, *, exclusive: bool) -> Iterator[None]:
    """Keep a name from being given while another process takes names away."""
    with (folder / _LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield


async def collect_folder(
    folder: Path,
    prefix: str,
    referenced: ReferencedKeys,
    older_than: timedelta,
    threads: ThreadPoolExecutor,
) -> Collected:
    """Remove old unreferenced files and stale temporary ones of a prefix.

    The same content stored again is a new file of the same name, so a file that is
    still old when the exclusive lock is held has no upload on its way to a row.
    """
    loop = asyncio.get_running_loop()
    now = datetime.now(UTC)
    stale = now - max(older_than, _STALE)
    temporary = await loop.run_in_executor(threads, _remove_stale, folder, stale)
    removed, removed_bytes = 0, 0
    for part in await loop.run_in_executor(threads, _parts, folder):
        old = await loop.run_in_executor(threads, _old, part, now - older_than)
        for start in range(0, len(old), _BATCH):
            names = old[start : start + _BATCH]
            keys = {f"{prefix}/{part.name}/{name}": name for name in names}
            kept = set(await referenced(list(keys)))
            doomed = [part / name for key, name in keys.items() if key not in kept]
            sizes = await loop.run_in_executor(
                threads, _remove, folder, doomed, now - older_than
            )
            removed += len(sizes)
            removed_bytes += sum(sizes)
    return Collected(removed, removed_bytes, temporary)


def _parts(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(part for part in folder.iterdir() if _FOLDER.fullmatch(part.name))


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _old(part: Path, before: datetime) -> list[str]:
    return [
        path.name
        for path in part.iterdir()
        if _SHA256.fullmatch(path.name) and _modified(path) < before
    ]


def _remove(folder: Path, doomed: Sequence[Path], before: datetime) -> list[int]:
    sizes = []
    if doomed:
        with locked(folder, exclusive=True):
            for path in doomed:
                if path.exists() and _modified(path) < before:
                    sizes.append(path.stat().st_size)
                    path.unlink()
    return sizes


def _remove_stale(folder: Path, before: datetime) -> int:
    removed = 0
    for path in (folder / INCOMING).glob(f"*{PART}"):
        try:
            if _modified(path) < before:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue  # its writer was quicker
    return removed
