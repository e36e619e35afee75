"""The local stack as an object: start it, stop it, ask it, kill parts of it."""

import contextlib
import fcntl
import signal
import subprocess
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import psutil

from bhtom_local import record, waiting
from bhtom_local.failure import StackFailure
from bhtom_local.parts import PARTS, configured_ports, unused_ports
from bhtom_local.plan import Plan
from bhtom_local.settings import Layout, LocalSettings, ensure_env_file, load
from bhtom_local.start import Progress, Start, silent
from bhtom_local.supervise import ProgramState, Supervisor

STOP_WITHIN_S = 40


class Stack:
    """A stack in one state folder."""

    def __init__(self, plan: Plan, *, tied: bool = False) -> None:
        self.plan = plan
        self.places = plan.places
        self._tied = tied
        self._child: subprocess.Popen[bytes] | None = None

    @classmethod
    def from_settings(
        cls,
        settings: LocalSettings,
        base: Path,
        parts: Collection[str] = PARTS,
    ) -> Self:
        """The stack that a `.env` in the folder `base` describes."""
        plan = Plan(
            settings=settings,
            places=settings.places(base),
            ports=configured_ports(settings),
            parts=frozenset(parts),
        )
        return cls(_as_running(plan))

    @classmethod
    def in_folder(
        cls,
        folder: Path,
        *,
        parts: Collection[str] = PARTS,
        layout: Layout = "combined",
        ports: Mapping[str, int] | None = None,
        environment: Mapping[str, str] | None = None,
        durable: bool = False,
        **settings: Any,
    ) -> Self:
        """A stack of its own, on free ports, that ends with this process.

        `settings` are fields of `LocalSettings`; `environment` is given to every
        service. The folder may be used again by a later stack.
        """
        folder.mkdir(parents=True, exist_ok=True)
        env_file = folder / "stack.env"
        ensure_env_file(env_file)
        loaded = load(env_file, state_dir=folder, layout=layout, **settings)
        plan = Plan(
            settings=loaded,
            places=loaded.places(folder),
            ports=ports or unused_ports(layout),
            parts=frozenset(parts),
            durable=durable,
            extra_environment=dict(environment or {}),
        )
        return cls(plan, tied=True)

    def start(self, progress: Progress = silent) -> None:
        """Start everything and return when all is ready, or leave nothing running."""
        self.places.create()
        with self._only_one_start():
            if self.is_running():
                raise StackFailure(f"The stack in {self.places.state} runs already.")
            self._end_left_overs(progress)
            try:
                Start(self.plan, progress, self._tied).run(self._launched)
            except BaseException:
                self._end_everything()
                raise

    def _launched(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child

    def stop(self) -> bool:
        """Stop everything that was started, and nothing else; whether there was any."""
        return self._end_everything()

    def is_running(self) -> bool:
        """Whether this stack's supervisor runs."""
        known = record.read(self.places)
        return known is not None and known.alive()

    @property
    def supervisor_pid(self) -> int:
        """Pid of the supervisor that runs this stack."""
        return self._known().pid

    def states(self) -> dict[str, ProgramState]:
        """What the supervisor says about each program."""
        return self._supervisor().states()

    def pid(self, program: str) -> int:
        """Pid of a program that runs now."""
        state = self.states().get(program)
        if state is None or not state.pid:
            raise StackFailure(f"{program} does not run now.")
        return state.pid

    def kill(self, program: str, signal_number: int = signal.SIGKILL) -> int:
        """Send a signal to a program, which the supervisor then restarts; its pid."""
        pid = self.pid(program)
        psutil.Process(pid).send_signal(signal_number)
        return pid

    def stop_program(self, program: str) -> None:
        """Stop one program until `start_program`; the others go on."""
        self._supervisor().stop(program)

    def start_program(self, program: str) -> None:
        """Start one stopped program again."""
        self._supervisor().start(program)

    def environment(self, service: str) -> dict[str, str]:
        """The variables that a service's commands need."""
        return self.plan.environment(service)

    def log(self, program: str) -> Path:
        """The file with a program's output."""
        return self.places.logs / f"{program}.log"

    def wipe(self) -> None:
        """End everything at once and remove all data; settings and cache stay."""
        known = record.read(self.places)
        if known is not None and known.alive():
            # Nobody needs what a server would still write down: no waiting for it.
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(known.pid).kill()
        _end(record.marked_processes(self.places), at_once=True)
        self._forget()
        self.places.wipe()

    def _supervisor(self) -> Supervisor:
        return Supervisor(self.places, self._known().password)

    def _known(self) -> record.Record:
        known = record.read(self.places)
        if known is None or not known.alive():
            raise StackFailure("The stack is not running: start it with `make up`.")
        return known

    @contextlib.contextmanager
    def _only_one_start(self) -> Iterator[None]:
        with self.places.lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as failure:
                raise StackFailure(
                    f"Another start of the stack in {self.places.state} is under way: "
                    "wait for it."
                ) from failure
            yield

    def _end_left_overs(self, progress: Progress) -> None:
        if record.marked_processes(self.places):
            progress("ending what an earlier start left running")
            self._end_everything()

    def _end_everything(self) -> bool:
        known = record.read(self.places)
        runs = known is not None and known.alive()
        left = record.marked_processes(self.places)
        if known is not None and runs:
            with contextlib.suppress(StackFailure):
                self._end_in_order()
            # It may end by itself meanwhile, with the start that made it.
            with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                supervisor = psutil.Process(known.pid)
                supervisor.terminate()
                supervisor.wait(STOP_WITHIN_S)
        _end(record.marked_processes(self.places))
        self._forget()
        return runs or bool(left)

    def _end_in_order(self) -> None:
        """Stop those that use others before those, and equals at the same time."""
        supervisor = self._supervisor()
        programs = self.plan.programs("", Path())
        for order in sorted({program.order for program in programs}, reverse=True):
            names = {program.name for program in programs if program.order == order}
            running = {
                name for name, state in supervisor.states().items() if state.pid
            } & names
            for name in running:
                supervisor.stop(name, wait=False)
            waiting.until(
                lambda names=running: (
                    not any(  # type: ignore[misc]
                        supervisor.states()[name].pid for name in names
                    )
                ),
                STOP_WITHIN_S,
                f"{', '.join(sorted(running))} did not stop in time.",
            )

    def _forget(self) -> None:
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(STOP_WITHIN_S)
            self._child = None
        self.places.record.unlink(missing_ok=True)
        self.places.socket.unlink(missing_ok=True)


def _as_running(plan: Plan) -> Plan:
    """The plan of the stack that runs now: settings may have changed since."""
    known = record.read(plan.places)
    if known is None or not known.alive():
        return plan
    return replace(
        plan,
        settings=plan.settings.model_copy(update={"layout": known.layout}),
        ports=known.ports,
        parts=frozenset(known.parts),
    )


def _end(processes: list[psutil.Process], at_once: bool = False) -> None:
    alive = processes
    if not at_once:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                # PostgreSQL takes SIGTERM as a wish to wait for its clients.
                is_database = process.name() == "postgres"
                process.send_signal(signal.SIGINT if is_database else signal.SIGTERM)
        _, alive = psutil.wait_procs(processes, timeout=10)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=10)
