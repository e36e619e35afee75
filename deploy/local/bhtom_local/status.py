"""What a person wants to know about every part of a running stack."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from bhtom_local.health import complaint
from bhtom_local.programs import Program
from bhtom_local.stack import Stack
from bhtom_local.supervise import ProgramState


@dataclass(frozen=True)
class Row:
    """One part as it is now."""

    part: str
    state: str
    pid: int
    uptime_s: float
    memory_mib: float
    address: str
    health: str

    @property
    def healthy(self) -> bool:
        """Whether nothing is to complain about."""
        return self.health == "ready"


def rows(stack: Stack) -> list[Row]:
    """Every part of the stack, in the order of the start."""
    states = stack.states()
    programs = stack.plan.programs("", Path())
    found = [_row(stack, program, states.get(program.name)) for program in programs]
    return [_supervisor_row(stack), *found]


def table(found: Iterable[Row]) -> Iterator[str]:
    """Lines of a table for people."""
    found = list(found)
    header = ("part", "state", "pid", "uptime", "MiB", "address", "health")
    lines = [header] + [
        (
            row.part,
            row.state,
            str(row.pid or "-"),
            _uptime(row.uptime_s),
            f"{row.memory_mib:.0f}",
            row.address,
            row.health,
        )
        for row in found
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        cells = zip(line, widths, strict=True)
        yield "  ".join(cell.ljust(width) for cell, width in cells).rstrip()
    yield f"{sum(row.memory_mib for row in found):.0f} MiB in all"


def _row(stack: Stack, program: Program, state: ProgramState | None) -> Row:
    running = state is not None and state.pid
    return Row(
        part=program.name,
        state=state.state.lower() if state else "unknown",
        pid=state.pid if state else 0,
        uptime_s=state.now - state.started if state and running else 0.0,
        memory_mib=_memory_mib(state.pid) if state and running else 0.0,
        address=program.address,
        health=(complaint(program, stack.plan) or "ready") if running else "down",
    )


def _supervisor_row(stack: Stack) -> Row:
    process = psutil.Process(stack.supervisor_pid)
    return Row(
        part="supervisor",
        state="running",
        pid=process.pid,
        uptime_s=time.time() - process.create_time(),
        # Its children are the parts.
        memory_mib=_memory_of([process]),
        address="",
        health="ready",
    )


def _memory_mib(pid: int) -> float:
    """Proportional memory of a process and its children: shared pages count once."""
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return _memory_of(family)


def _memory_of(family: Iterable[psutil.Process]) -> float:
    total = 0
    for process in family:
        try:
            memory = process.memory_full_info()
        except psutil.Error:
            continue
        total += getattr(memory, "pss", memory.rss)
    return total / 2**20


def _uptime(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
