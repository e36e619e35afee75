"""The supervisor's configuration, and how a stack's processes are recognised."""

import configparser
import os
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bhtom_local import record
from bhtom_local.failure import StackFailure
from bhtom_local.places import SOCKET_PATH_LIMIT, Places
from bhtom_local.programs import Program
from bhtom_local.supervise import STACK_MARK, configuration, write_private


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(state=tmp_path / "state", cache=tmp_path / "cache")
    made.create()
    return made


def parsed(places: Places, program: Program) -> configparser.SectionProxy:
    parser = configparser.ConfigParser()
    parser.read_string(configuration(places, [program], "pa%ss"))
    assert parser["unix_http_server"]["password"] == "pa%ss"
    return parser[f"program:{program.name}"]


def test_a_dead_program_comes_back_with_its_children_gone(places: Places) -> None:
    section = parsed(places, Program("core", ("run", "a b", "50%")))
    assert section["command"] == "run 'a b' 50%"
    assert section["autorestart"] == "true"
    assert section["killasgroup"] == "true"
    assert int(section["startretries"]) > 1000
    assert section["stdout_logfile"] == str(places.logs / "core.log")


def test_every_program_carries_its_stacks_mark(places: Places) -> None:
    section = parsed(places, Program("core", ("run",), {"A": "x,y=%z"}))
    assert section["environment"] == f'{STACK_MARK}="{places.short_name}",A="x,y=%z"'


@pytest.mark.parametrize("value", ['say "no"', "two\nlines"])
def test_a_value_that_would_break_the_configuration_is_refused(
    places: Places, value: str
) -> None:
    with pytest.raises(StackFailure, match="BHTOM_X"):
        configuration(places, [Program("core", ("run",), {"BHTOM_X": value})], "pw")


def test_the_configuration_is_private(tmp_path: Path) -> None:
    path = tmp_path / "supervisord.conf"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_deep_folder_gets_a_socket_elsewhere(tmp_path: Path) -> None:
    deep = Places(state=tmp_path / ("x" * 120), cache=tmp_path)
    assert len(str(deep.socket)) <= SOCKET_PATH_LIMIT
    other = Places(state=tmp_path / ("y" * 120), cache=tmp_path)
    assert deep.socket != other.socket


def test_a_pid_of_somebody_else_is_not_taken_for_the_supervisor() -> None:
    us = psutil.Process()
    ours = record.Record(us.pid, us.create_time(), "pw", "combined", [], {})
    reused = record.Record(us.pid, us.create_time() - 60, "pw", "combined", [], {})
    assert ours.alive()
    assert not reused.alive()


def test_a_torn_record_counts_as_none(places: Places) -> None:
    assert record.read(places) is None
    places.record.write_text('{"pid": 1')
    assert record.read(places) is None
    places.record.write_text('{"pid": 1}')
    assert record.read(places) is None


def test_only_processes_with_our_mark_are_ours(places: Places) -> None:
    sleeper = [sys.executable, "-c", "input()"]
    marks = [places.short_name, "another-stack"]
    processes = [
        subprocess.Popen(
            sleeper, stdin=subprocess.PIPE, env={**os.environ, STACK_MARK: mark}
        )
        for mark in marks
    ]
    try:
        found = {process.pid for process in record.marked_processes(places)}
        assert found == {processes[0].pid}
    finally:
        for process in processes:
            process.communicate(b"\n")
