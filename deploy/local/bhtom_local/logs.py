"""Reads the parts' log files, also while the supervisor rotates them."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from bhtom_local.failure import StackFailure

POLL_S = 0.2


def files(folder: Path, part: str | None) -> dict[str, Path]:
    """Log files by part: all of them, or those of one part and its processes."""
    found = dict(sorted((path.stem, path) for path in folder.glob("*.log")))
    if part is None:
        return found
    chosen = {
        name: path
        for name, path in found.items()
        if name == part or name.startswith(f"{part}-")
    }
    if not chosen:
        known = ", ".join(found) or "none yet"
        raise StackFailure(f"There is no log of {part}; there are: {known}.")
    return chosen


def last_lines(chosen: Mapping[str, Path], count: int) -> Iterator[str]:
    """The last lines of each log, each line with its part's name."""
    for name, path in chosen.items():
        for line in path.read_text(errors="replace").splitlines()[-count:]:
            yield _labelled(name, line, chosen)


def follow(chosen: Mapping[str, Path]) -> Iterator[str]:
    """What is written from this call on, for ever."""
    places = {path: (_inode(path), path.stat().st_size) for path in chosen.values()}
    return _follow_from(chosen, places)


def _follow_from(
    chosen: Mapping[str, Path], places: dict[Path, tuple[int, int]]
) -> Iterator[str]:
    while True:
        for name, path in chosen.items():
            text, places[path] = _read_on(path, *places[path])
            for line in text.splitlines():
                yield _labelled(name, line, chosen)
        time.sleep(POLL_S)


def _read_on(path: Path, inode: int, offset: int) -> tuple[str, tuple[int, int]]:
    try:
        if _inode(path) != inode or path.stat().st_size < offset:
            # A new file took the old one's name.
            inode, offset = _inode(path), 0
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
    except FileNotFoundError:
        # Just between two files.
        return "", (0, 0)
    whole = content[: content.rfind(b"\n") + 1]
    return whole.decode(errors="replace"), (inode, offset + len(whole))


def _inode(path: Path) -> int:
    return path.stat().st_ino


def _labelled(name: str, line: str, chosen: Mapping[str, Path]) -> str:
    return line if len(chosen) == 1 else f"{name:<{max(map(len, chosen))}} | {line}"
