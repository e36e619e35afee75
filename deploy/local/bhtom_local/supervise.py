"""The process supervisor: its configuration, its start, and talking to it."""

import os
import shlex
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from bhtom_local.failure import StackFailure
from bhtom_local.places import Places
from bhtom_local.programs import Program

# Every process of a stack carries its stack's name, so that one whose supervisor was
# killed is still recognised as ours.
STACK_MARK = "SUPERVISED_STACK"

USER = "bhtom"

INHERITED = {
    "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "TMPDIR", "TZ", "USER",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
}  # fmt: skip


# Python complains about a child that runs when its handle goes away; ours may outlive
# every handle.
_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class ProgramState:
    """What the supervisor says about one program."""

    name: str
    state: str
    pid: int
    started: float
    now: float
    description: str


class Supervisor:
    """Speaks with the supervisor of one stack over its private socket."""

    def __init__(self, places: Places, password: str) -> None:
        self._places = places
        self._password = password

    def states(self) -> dict[str, ProgramState]:
        """State of every program, by name."""
        with self._server() as server:
            return {
                entry["name"]: ProgramState(
                    name=entry["name"],
                    state=entry["statename"],
                    pid=entry["pid"],
                    started=float(entry["start"]),
                    now=float(entry["now"]),
                    description=entry["description"],
                )
                for entry in server.getAllProcessInfo()
            }

    def start(self, name: str) -> None:
        """Start a program; that it came up is for the caller to see."""
        with self._server() as server:
            try:
                server.startProcess(name, False)
            except xmlrpc.client.Fault as failure:
                if "ALREADY_STARTED" not in failure.faultString:
                    raise StackFailure(
                        f"{name} cannot be started: {failure.faultString}"
                    ) from failure

    def stop(self, name: str, wait: bool = True) -> None:
        """Stop a program, and wait until it is gone."""
        with self._server() as server:
            try:
                server.stopProcess(name, wait)
            except xmlrpc.client.Fault as failure:
                if "NOT_RUNNING" not in failure.faultString:
                    raise StackFailure(
                        f"{name} cannot be stopped: {failure.faultString}"
                    ) from failure

    def answers(self) -> bool:
        """Whether the supervisor is there and is ours."""
        try:
            with self._server() as server:
                return bool(server.getState()["statecode"] == 1)
        except StackFailure:
            return False

    @contextmanager
    def _server(self) -> Iterator[Any]:
        transport = SupervisorTransport(
            USER, self._password, f"unix://{self._places.socket}"
        )
        try:
            with xmlrpc.client.ServerProxy("http://127.0.0.1", transport) as server:
                yield server.supervisor
        except (OSError, xmlrpc.client.Error) as failure:
            raise StackFailure(
                "The supervisor of the stack does not answer any more: it was stopped, "
                f"or {self._places.logs / 'supervisor.log'} tells why."
            ) from failure


def launch(
    places: Places, programs: Iterable[Program], password: str, tied: bool
) -> subprocess.Popen[bytes]:
    """Start the supervisor with all programs stopped.

    A tied supervisor ends with the thread that started it.
    """
    write_private(places.supervisor_config, configuration(places, programs, password))
    places.socket.unlink(missing_ok=True)
    command = [sys.executable, "-m", "bhtom_local.supervisor_process"]
    command.append(str(places.supervisor_config))
    if tied:
        command.append(str(os.getpid()))
    with (places.logs / "supervisor.out").open("wb") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=places.state,
            start_new_session=True,
            env=inherited() | {STACK_MARK: places.short_name},
        )
    _children[:] = [one for one in _children if one.poll() is None] + [child]
    return child


def inherited() -> dict[str, str]:
    """What programs get of our own environment: nothing that could mislead them."""
    kept = {name: value for name, value in os.environ.items() if name in INHERITED}
    return kept | {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else could read at any moment."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def configuration(places: Places, programs: Iterable[Program], password: str) -> str:
    """The supervisor's configuration; secrets are in it."""
    sections = [
        _section(
            "unix_http_server",
            file=str(places.socket),
            chmod="0700",
            username=USER,
            password=password,
        ),
        _section(
            "supervisord",
            logfile=str(places.logs / "supervisor.log"),
            logfile_maxbytes="2MB",
            logfile_backups="2",
            pidfile=str(places.state / "supervisor.pid"),
            directory=str(places.state),
            umask="077",
            nocleanup="true",
            identifier=f"bhtom-{places.short_name}",
            **({"user": "root"} if os.geteuid() == 0 else {}),
        ),
        _section(
            "rpcinterface:supervisor",
            **{
                "supervisor.rpcinterface_factory": (
                    "supervisor.rpcinterface:make_main_rpcinterface"
                )
            },
        ),
    ]
    sections += [_program_section(places, program) for program in programs]
    return "\n".join(sections)


def _program_section(places: Places, program: Program) -> str:
    environment = {STACK_MARK: places.short_name, **program.environment}
    return _section(
        f"program:{program.name}",
        command=shlex.join(program.command),
        environment=",".join(
            f'{name}="{_plain(name, value)}"' for name, value in environment.items()
        ),
        directory=program.folder or str(places.state),
        priority=str(program.order),
        autostart="false",
        autorestart="true",
        startsecs="1",
        # The pause between two tries grows by a second each time.
        startretries="100000",
        stopsignal=program.stop_signal,
        stopwaitsecs=str(program.stop_within_s),
        killasgroup="true",
        redirect_stderr="true",
        stdout_logfile=str(places.logs / f"{program.name}.log"),
        stdout_logfile_maxbytes="5MB",
        stdout_logfile_backups="3",
        **({"user": program.user} if program.user else {}),
    )


def _section(title: str, **entries: str) -> str:
    lines = [f"[{title}]"]
    lines += [f"{name}={value.replace('%', '%%')}" for name, value in entries.items()]
    return "\n".join(lines) + "\n"


def _plain(name: str, value: str) -> str:
    if '"' in value or "\n" in value:
        raise StackFailure(f"{name} holds a quotation mark or a line break: remove it.")
    return value
