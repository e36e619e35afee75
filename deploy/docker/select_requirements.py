"""Writes the lock without the packages that no image needs, hashes and all."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path


def entries(lock: str) -> Iterator[tuple[str, str]]:
    """Name and whole text of each locked package."""
    for text in re.split(r"^(?=\S)", lock, flags=re.MULTILINE):
        if text.strip() and not text.startswith("#"):
            yield re.split(r"[=\[ ;@]", text, maxsplit=1)[0], text


def selected(lock: str, left_out: str) -> str:
    """The lock without the packages that are named line by line."""
    lines = (line.partition("#")[0].strip() for line in left_out.splitlines())
    unwanted = {line for line in lines if line}
    return "".join(text for name, text in entries(lock) if name not in unwanted)


if __name__ == "__main__":
    sys.stdout.write(selected(*(Path(name).read_text() for name in sys.argv[1:3])))
