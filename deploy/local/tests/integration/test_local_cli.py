"""The command that `make up` and the others call."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from bhtom_local import record
from bhtom_local.places import Places
from bhtom_local.ports import free_ports
from bhtom_local.settings import VARIABLES

PROGRAM = str(Path(sys.executable).with_name("bhtom-local"))
PORTS = [name for name in VARIABLES if name.endswith("_PORT")]
NO_NETWORK = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}


@dataclass
class Installation:
    """An env file with a state folder and ports of its own."""

    folder: Path
    # Runs the command as another kind of user.
    prefix: tuple[str, ...] = ()

    @property
    def places(self) -> Places:
        return Places(state=self.folder / "state", cache=self.folder / "cache")

    def add(self, **variables: str) -> None:
        with (self.folder / ".env").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in variables.items())

    def command(self, *arguments: str) -> list[str]:
        env_file = str(self.folder / ".env")
        return [*self.prefix, PROGRAM, "--env-file", env_file, *arguments]

    def run(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env={**os.environ, **(environment or {})},
        )

    def processes(self) -> list[psutil.Process]:
        return record.marked_processes(self.places)


@pytest.fixture
def installation() -> Iterator[Installation]:
    made = Installation(Path(tempfile.mkdtemp(prefix="bhtom-test-")))
    ports = zip(PORTS, free_ports(len(PORTS)), strict=True)
    made.add(BHTOM_STATE_DIR="state", **{name: str(port) for name, port in ports})
    yield made
    made.prefix = ()
    ended = made.run("fresh", "--yes")
    assert ended.returncode == 0, ended.stdout
    assert made.processes() == []
    shutil.rmtree(made.folder)


def test_up_status_logs_down(installation: Installation) -> None:
    started = installation.run("up", "--only", "postgres")
    assert started.returncode == 0, started.stdout
    assert "postgres: ready" in started.stdout
    assert "new secrets" in started.stdout

    again = installation.run("up", "--only", "postgres")
    assert again.returncode == 0
    assert "runs already" in again.stdout

    status = installation.run("status")
    assert status.returncode == 0, status.stdout
    assert "postgres" in status.stdout
    assert "ready" in status.stdout
    assert "kafka" not in status.stdout

    assert "ready to accept connections" in installation.run("logs", "postgres").stdout

    assert installation.run("down").stdout == "Everything is stopped.\n"
    assert installation.processes() == []
    assert installation.run("down").stdout == "Nothing was running.\n"
    off = installation.run("status")
    assert off.returncode == 1
    assert "not running" in off.stdout


@pytest.mark.parametrize(
    ("number", "phase"),
    [
        (signal.SIGINT, "postgres: making"),
        (signal.SIGTERM, "kafka: making"),
        (signal.SIGINT, "postgres: ready"),
        (signal.SIGHUP, "postgres: ready"),
    ],
)
def test_an_interrupted_start_leaves_nothing(
    installation: Installation, number: int, phase: str
) -> None:
    with subprocess.Popen(
        installation.command("up", "--only", "postgres", "--only", "kafka"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        while phase not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(number)
        rest = process.stdout.read()
    assert process.returncode == 1
    assert rest.count("Error: ") == 1
    assert "Interrupted" in rest
    assert "Traceback" not in rest
    assert installation.processes() == []


def test_no_network_for_the_first_download_is_one_sentence(
    installation: Installation,
) -> None:
    installation.add(BHTOM_CACHE_DIR="cache")
    failed = installation.run(
        "up", "--only", "postgres", "--only", "kafka", environment=NO_NETWORK
    )
    assert failed.returncode == 1
    assert "needs the network" in failed.stdout
    assert failed.stdout.count("Error: ") == 1
    assert "Traceback" not in failed.stdout
    assert installation.processes() == []


def test_a_typing_mistake_in_the_env_file_is_one_sentence(
    installation: Installation,
) -> None:
    kept = (installation.folder / ".env").read_text()
    installation.add(BHTOM_GATEWAY_PROT="8000")
    failed = installation.run("up")
    (installation.folder / ".env").write_text(kept)
    assert failed.returncode == 1
    assert "BHTOM_GATEWAY_PROT" in failed.stdout
    assert "Did you mean BHTOM_GATEWAY_PORT?" in failed.stdout


def test_fresh_says_what_it_removes_and_removes_nothing_unasked(
    installation: Installation,
) -> None:
    installation.run("up", "--only", "postgres")
    unsure = installation.run("fresh")
    assert unsure.returncode == 1
    assert "removes everything" in unsure.stdout
    assert installation.run("status").returncode == 0
    sure = installation.run("fresh", "--yes")
    assert sure.returncode == 0
    assert not installation.places.state.exists()
    assert (installation.folder / ".env").exists()


def test_an_ordinary_user_needs_nothing_else(installation: Installation) -> None:
    """As root in a user namespace of its own, where root is an ordinary user."""
    ordinary = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
    if os.geteuid() == 0:
        installation.prefix = ordinary
    started = installation.run("up", "--only", "postgres")
    assert started.returncode == 0, started.stdout
    assert installation.run("status").returncode == 0
    assert installation.run("down").stdout == "Everything is stopped.\n"


def test_stopping_a_start_from_elsewhere_ends_it(installation: Installation) -> None:
    with subprocess.Popen(
        installation.command("up", "--only", "postgres", "--only", "kafka"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        while "postgres: ready" not in process.stdout.readline():
            assert process.poll() is None
        stopped = installation.run("down")
        rest = process.stdout.read()
    assert stopped.returncode == 0
    assert process.returncode == 1
    assert "Traceback" not in rest
    assert installation.processes() == []
