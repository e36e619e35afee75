"""Functions for the children of the process pool."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

warmed = False


def warm_up() -> None:
    """What a child does once."""
    global warmed
    warmed = True


def broken_warm_up() -> None:
    """A library that cannot be imported."""
    raise ImportError("no such library")


def was_warmed() -> bool:
    """Whether the child was warmed up."""
    return warmed


def double(value: Any) -> Any:
    """An ordinary function."""
    return value * 2


def pid() -> int:
    """Which child it is."""
    return os.getpid()


def say_pid_and_wait(file: str) -> None:
    """Work that does not end."""
    Path(file).write_text(str(os.getpid()))
    while True:
        time.sleep(0.05)


def die() -> None:
    """A crash."""
    os.kill(os.getpid(), signal.SIGSEGV)


def leave() -> NoReturn:
    """An end without an answer."""
    os._exit(3)


def noisy() -> str:
    """A library that prints, as some do."""
    print("to the output")  # noqa: T201
    os.write(1, b"past Python\n")
    return "quiet"


class Odd(Exception):
    """An error that cannot be made again from its arguments."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"odd {one} {two}")


def fail(kind: str) -> NoReturn:
    """An error of the function's own."""
    match kind:
        case "odd":
            raise Odd(1, 2)
        case "timeout":
            raise TimeoutError("its own")
        case "eof":
            raise EOFError("its own")
    raise ValueError("not today")


def unreadable() -> Any:
    """A result that cannot travel."""
    return lambda: None


def modules() -> list[str]:
    """What the child has imported."""
    return sorted(sys.modules)


def environment(name: str) -> str | None:
    """A variable as the child sees it."""
    return os.environ.get(name)


def spawn_grandchild(file: str) -> None:
    """Work that has a process of its own."""
    process = subprocess.Popen(["sleep", "600"])
    Path(file).write_text(str(process.pid))
    process.wait()
