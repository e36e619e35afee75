"""Runs CPU work in processes of its own; a crash harms no job but its own."""

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar

from bhtom_runtime.process_child import Child, WorkerCrashed
from bhtom_runtime.process_child_program import FunctionFailed

P = ParamSpec("P")
Result = TypeVar("Result")

START_TIMEOUT_S: Final = 120.0


class TimedOut(Exception):
    """The function took longer than it may; its process was killed."""


class ProcessPool:
    """At most `processes` children, each started when there is work for it.

    A child is a fresh interpreter (as with multiprocessing's `spawn`) that imports
    only what it is asked to run, not the program it serves. It dies with its parent.
    """

    def __init__(
        self,
        processes: int = 1,
        *,
        warm_up: Callable[[], object] | None = None,
        max_tasks_per_child: int | None = None,
        idle_s: float = 180.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.processes = processes
        self._warm_up = warm_up
        self._max_tasks = max_tasks_per_child
        self._idle_s = idle_s
        self._environment = dict(environment or {})
        self._slots = asyncio.Semaphore(processes)
        self._children: set[Child] = set()
        self._idle: list[tuple[Child, asyncio.TimerHandle]] = []
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def pids(self) -> list[int]:
        """The children that live now."""
        return [child.pid for child in self._children if child.pid is not None]

    async def run(
        self,
        function: Callable[..., Result],
        *arguments: Any,
        timeout_s: float | None = None,
    ) -> Result:
        """Call a top-level function in a child, and give what it returns or raises.

        Waiting for a free child does not count against `timeout_s`. Raises
        WorkerCrashed or TimedOut; a cancelled call kills its child.
        """
        async with self._slots:
            if self._closed:
                raise WorkerCrashed("The pool of processes is closed.")
            child = self._take()
            try:
                await _within(child.started, START_TIMEOUT_S, "start")
                result: Result = await _within(
                    child.call(function, arguments),
                    timeout_s,
                    getattr(function, "__name__", "function"),
                )
            except (WorkerCrashed, TimedOut, asyncio.CancelledError):
                self._discard(child)
                raise
            except BaseException:
                self._give_back(child)
                raise
            self._give_back(child)
            return result

    async def close(self) -> None:
        """Kill every child; what runs ends with WorkerCrashed."""
        self._closed = True
        ending = list(self._children)
        for child in ending:
            self._discard(child)
        for child in ending:
            await asyncio.wrap_future(child.ended)

    def _take(self) -> Child:
        if self._idle:
            # The one that worked last: the others may become idle and go.
            child, timer = self._idle.pop()
            timer.cancel()
            if child.is_alive():
                return child
            self._discard(child)
        child = Child(self._warm_up, {**os.environ, **self._environment})
        self._children.add(child)
        return child

    def _give_back(self, child: Child) -> None:
        worn = self._max_tasks is not None and child.tasks_done >= self._max_tasks
        if self._closed or worn or not child.is_alive():
            self._discard(child)
            return
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._idle_s, self._discard, child)
        self._idle.append((child, timer))

    def _discard(self, child: Child) -> None:
        for entry in self._idle:
            if entry[0] is child:
                entry[1].cancel()
                self._idle.remove(entry)
                break
        self._children.discard(child)
        child.kill()


async def _within(future: "Future[Any]", timeout_s: float | None, what: str) -> Any:
    try:
        async with asyncio.timeout(timeout_s):
            return await asyncio.wrap_future(future)
    except TimeoutError as error:
        if future.done() and not future.cancelled():
            raise  # the function's own time-out
        raise TimedOut(
            f"The worker process was killed: {what} took longer than {timeout_s:g} s."
        ) from error


__all__ = ["FunctionFailed", "ProcessPool", "TimedOut", "WorkerCrashed"]
