"""Pytest plugin: a unit test that reaches for a database or a broker fails."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_guarded: list[str] = []


class ForbiddenConnection(AssertionError):
    """A unit test tried to reach a server."""


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _guarded and isinstance(arguments[1], tuple):
        raise ForbiddenConnection(
            f"{_guarded[-1]} is a unit test and must not connect to {arguments[1]}: "
            "move it to tests/integration."
        )


# An audit hook cannot be taken away again; it is idle outside of unit tests.
sys.addaudithook(_audit)


@pytest.fixture(autouse=True)
def _no_servers_in_unit_tests(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    if request.node.get_closest_marker("unit") is None:
        yield
        return
    _forbid_native_clients(monkeypatch, request.node.nodeid)
    _guarded.append(request.node.nodeid)
    yield
    _guarded.pop()
    if _broker_threads():
        raise ForbiddenConnection(
            f"{request.node.nodeid} is a unit test and left a Kafka client running: "
            "move it to tests/integration."
        )


def _forbid_native_clients(monkeypatch: pytest.MonkeyPatch, test: str) -> None:
    """Close the ways that Python's audit events do not see (uvloop)."""

    def forbidden(*_: object, **__: object) -> None:
        raise ForbiddenConnection(
            f"{test} is a unit test and must not open a database connection: move it "
            "to tests/integration."
        )

    if "asyncpg" in sys.modules:
        monkeypatch.setattr("asyncpg.connect_utils._connect_addr", forbidden)


def _broker_threads() -> list[str]:
    """Threads of librdkafka in this process, which connects outside of Python."""
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        return []
    found = []
    for task in tasks.iterdir():
        try:
            name = (task / "comm").read_text().strip()
        except OSError:
            # The thread ended meanwhile.
            continue
        if name.startswith("rdk:"):
            found.append(name)
    return found
