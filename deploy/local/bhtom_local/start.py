"""Starts the parts of a stack one after another, each when it can be."""

import os
import secrets
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bhtom_local import commands, kafka, ports, postgres, provision, record
from bhtom_local.failure import StackFailure
from bhtom_local.health import is_ready
from bhtom_local.jars import class_path
from bhtom_local.plan import Plan
from bhtom_local.programs import Program
from bhtom_local.supervise import ProgramState, Supervisor, launch
from bhtom_local.waiting import until

Progress = Callable[[str], None]
READY_WITHIN_S = 180.0
GONE = {"BACKOFF", "EXITED", "FATAL", "UNKNOWN"}


def silent(line: str) -> None:
    """Progress for those who do not want to see any."""


class Start:
    """One start of a stack, from nothing to everything ready."""

    def __init__(self, plan: Plan, progress: Progress, tied: bool) -> None:
        self._plan = plan
        self._places = plan.places
        self._progress = progress
        self._tied = tied
        self._password = secrets.token_urlsafe(24)
        self._supervisor = Supervisor(plan.places, self._password)
        self._programs: dict[str, Program] = {}
        self._begun: dict[str, float] = {}
        self._pids: dict[str, int] = {}

    def run(self, launched: Callable[[subprocess.Popen[bytes]], None]) -> None:
        """Start everything; tells the supervisor's process as soon as there is one."""
        self._programs = {one.name: one for one in self._prepare()}
        self._check_programs()
        self._check_ports()
        self._launch(launched)
        self._begin(name for name in ("postgres", "kafka") if name in self._programs)
        self._database()
        self._broker()
        self._services()
        self._gateway()

    def _prepare(self) -> list[Program]:
        jars = ""
        programs = Path()
        if self._plan.own_postgres:
            programs = postgres.installed(self._places.programs)
            if not postgres.exists(self._places.postgres):
                self._progress("postgres: making a new database")
            password = self._plan.settings.postgres_password
            postgres.prepare(self._places.postgres, programs, password)
        if self._plan.own_kafka:
            jars = class_path(self._places.cache, self._progress)
            if not kafka.exists(self._places.kafka):
                self._progress("kafka: making a new broker")
            port = self._plan.ports["kafka"]
            controller = self._plan.ports["kafka-controller"]
            kafka.prepare(self._places.kafka, port, controller, jars)
        return self._plan.programs(jars, programs)

    def _check_programs(self) -> None:
        for program in self._programs.values():
            if not os.access(program.command[0], os.X_OK):
                raise StackFailure(
                    f"The program {program.command[0]} is missing: run `make setup`."
                )

    def _check_ports(self) -> None:
        for program in self._programs.values():
            for port in program.ports:
                if ports.is_free(port):
                    continue
                who = ports.holder(port)
                raise StackFailure(
                    f"Port {port}, which {program.name} needs, is in use"
                    + (f" by {who}" if who else "")
                    + ". Stop that, or choose another port in .env."
                )

    def _launch(self, launched: Callable[[subprocess.Popen[bytes]], None]) -> None:
        child = launch(
            self._places, self._programs.values(), self._password, self._tied
        )
        launched(child)
        known = record.Record(
            pid=child.pid,
            started=psutil.Process(child.pid).create_time(),
            password=self._password,
            layout=self._plan.settings.layout,
            parts=sorted(self._plan.parts),
            ports=dict(self._plan.ports),
        )
        record.write(self._places, known)

        def answers() -> bool:
            if child.poll() is not None:
                raise StackFailure(
                    "The supervisor stopped while it was starting.\n"
                    + _last_lines(self._places.logs / "supervisor.out")
                )
            return self._supervisor.answers()

        until(answers, 30, "The supervisor did not answer within 30 s.")

    def _begin(self, names: Iterable[str]) -> None:
        for name in names:
            self._begun[name] = time.monotonic()
            self._supervisor.start(name)

    def _wait(self, names: Collection[str]) -> None:
        waiting = set(names)

        def all_ready() -> bool:
            states = self._supervisor.states()
            for name in sorted(waiting):
                self._check_alive(states[name])
            for name in [name for name in sorted(waiting) if self._is_ready(name)]:
                waiting.remove(name)
            return not waiting

        until(
            all_ready,
            READY_WITHIN_S,
            lambda: (
                f"{', '.join(sorted(waiting))} did not become ready within "
                f"{READY_WITHIN_S:.0f} s: see the logs in {self._places.logs}."
            ),
        )

    def _check_alive(self, state: ProgramState) -> None:
        first_pid = self._pids.setdefault(state.name, state.pid) if state.pid else 0
        if state.state in GONE or (state.pid and state.pid != first_pid):
            log = self._places.logs / f"{state.name}.log"
            raise StackFailure(
                f"{state.name} stopped while it was starting. The end of {log}:\n"
                + _last_lines(log)
            )

    def _is_ready(self, name: str) -> bool:
        program = self._programs[name]
        if not is_ready(program, self._plan):
            return False
        taken = time.monotonic() - self._begun[name]
        self._progress(f"{name}: ready after {taken:.1f} s at {program.address}")
        return True

    def _database(self) -> None:
        if self._plan.own_postgres:
            self._wait(["postgres"])
        if self._plan.own_postgres or self._plan.database_services:
            passwords = {
                name: self._plan.settings.password(name) for name in provision.SERVICES
            }
            provision.provision(self._plan.admin_url, passwords)
        if self._plan.processes:
            with self._timed("tables and front-end files"):
                commands.prepare_services(self._plan)

    def _broker(self) -> None:
        if self._plan.own_kafka:
            self._wait(["kafka"])
        if self._plan.database_services:
            with self._timed("topics"):
                commands.create_topics(self._plan)

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self._progress(f"{what}: there after {time.monotonic() - begun:.1f} s")

    def _services(self) -> None:
        names = [process.name for process in self._plan.processes]
        self._begin(names)
        self._wait(names)

    def _gateway(self) -> None:
        if "gateway" in self._programs:
            self._begin(["gateway"])
            self._wait(["gateway"])


def _last_lines(log: Path, count: int = 15) -> str:
    if not log.exists():
        return "(nothing was written)"
    lines = log.read_text(errors="replace").splitlines()[-count:]
    return "\n".join(f"    {line}" for line in lines) or "    (nothing was written)"
