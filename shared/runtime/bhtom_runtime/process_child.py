"""The parent's end of a child process: a thread that starts it and talks to it."""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import IO, Any, BinaryIO, Final, cast

from bhtom_runtime import process_child_program
from bhtom_runtime.process_child_program import FunctionFailed, read_frame, write_frame

_PROGRAM: Final = str(Path(process_child_program.__file__))


class WorkerCrashed(Exception):
    """The child died before it answered: killed, crashed or out of memory."""


@dataclass(frozen=True, slots=True)
class _Call:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    answer: "Future[Any]"


class Child:
    """A fresh interpreter that runs one function at a time."""

    def __init__(
        self,
        warm_up: Callable[[], object] | None,
        environment: Mapping[str, str],
    ) -> None:
        self.started: Future[Any] = _promise()
        self.ended: Future[Any] = _promise()
        self.tasks_done = 0
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._warm_up = warm_up
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._lock = Lock()
        # The kernel sends the death signal when the thread that made the child
        # ends, so this thread makes it and stays with it. A daemon: the end of the
        # program does not wait for what a child computes.
        Thread(target=self._serve, name="process-pool", daemon=True).start()

    @property
    def pid(self) -> int | None:
        """The child's process id, once it has one."""
        return self._process.pid if self._process else None

    def is_alive(self) -> bool:
        """Whether the child can take a call."""
        gone = self._process is not None and self._process.poll() is not None
        return not (gone or self._killed or self.ended.done())

    def call(
        self, function: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> "Future[Any]":
        """Hand over a call; the future gets its result or its error."""
        answer = _promise()
        self._calls.put(_Call(function, arguments, answer))
        if self.ended.done():
            self._refuse_all()
        return answer

    def kill(self) -> None:
        """End the child at once, with all that it started in its group."""
        with self._lock:
            self._killed = True
            self._kill_group()
        self._calls.put(None)

    def _serve(self) -> None:
        waiting = self.started
        try:
            process = self._start()
            if self._warm_up is None:
                self.started.set_result(None)
            else:
                self._run(process, _Call(self._warm_up, (), self.started))
            while (call := self._calls.get()) is not None:
                waiting = call.answer
                self.tasks_done += 1
                self._run(process, call)
        except (OSError, EOFError) as error:
            crash = WorkerCrashed(_sentence(self._reap()))
            crash.__cause__ = error
            if not waiting.done():
                waiting.set_exception(crash)
        finally:
            self._reap()
            self.ended.set_result(None)
            self._refuse_all()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._killed:
                raise EOFError
            self._process = subprocess.Popen(
                [sys.executable, "-P", _PROGRAM, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=dict(self._environment),
                process_group=0,
            )
        write_frame(_pipe(self._process.stdin), pickle.dumps(sys.path))
        return self._process

    def _run(self, process: "subprocess.Popen[bytes]", call: _Call) -> None:
        """One call to its end; raises OSError or EOFError when the child is gone."""
        try:
            frame = pickle.dumps(
                (call.function, call.arguments), pickle.DEFAULT_PROTOCOL
            )
        except Exception as error:  # noqa: BLE001 - the caller's arguments
            call.answer.set_exception(error)
            return
        write_frame(_pipe(process.stdin), frame)
        reply = read_frame(_pipe(process.stdout))
        try:
            succeeded, value = pickle.loads(reply)  # noqa: S301 - our own child
            if succeeded:
                call.answer.set_result(value)
            else:
                call.answer.set_exception(_raised(*value))
        except Exception as error:  # noqa: BLE001 - a result that cannot be read
            call.answer.set_exception(error)

    def _kill_group(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def _reap(self) -> int | None:
        """End what is left of the child, and say how it ended."""
        if self._process is None:
            return None
        self._kill_group()
        with suppress(BrokenPipeError):
            _pipe(self._process.stdin).close()
        _pipe(self._process.stdout).close()
        return self._process.wait()

    def _refuse_all(self) -> None:
        with suppress(Empty):
            while True:
                call = self._calls.get_nowait()
                if call is not None:
                    call.answer.set_exception(WorkerCrashed(_sentence(None)))


def _promise() -> "Future[Any]":
    """A future that nobody can cancel: the child's answer always has a place."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    return future


def _raised(pickled: bytes, trace: str) -> BaseException:
    error = pickle.loads(pickled)  # noqa: S301 - our own child
    if isinstance(error, str):
        error = FunctionFailed(error)
    assert isinstance(error, BaseException)  # noqa: S101 - narrows the type
    error.add_note(f"In the worker process:\n{trace}")
    return error


def _pipe(stream: IO[bytes] | None) -> BinaryIO:
    assert stream is not None  # noqa: S101 - we asked for pipes
    return cast(BinaryIO, stream)


def _sentence(code: int | None) -> str:
    if code is None:
        return "The worker process ended before it could answer."
    if code >= 0:
        return f"The worker process ended with status {code} before it answered."
    name = signal.Signals(-code).name
    hint = "; the machine may be out of memory" if name == "SIGKILL" else ""
    return f"The worker process died of {name} before it answered{hint}."
