"""Imports one after the other, whoever starts them."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_import_at_a_time(root: Path) -> Iterator[None]:
    """Let imports wait for each other, so that none is lost."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".import.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
