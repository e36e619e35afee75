"""What is kept about a running stack, and how its processes are recognised."""

import json
import os
from dataclasses import asdict, dataclass

import psutil

from bhtom_local.places import Places
from bhtom_local.supervise import STACK_MARK

# Clocks and roundings: psutil's start times of one process agree to the hundredth.
SAME_START_S = 0.05


@dataclass(frozen=True)
class Record:
    """Which supervisor runs a stack, how to speak with it, and what it runs."""

    pid: int
    started: float
    password: str
    layout: str
    parts: list[str]
    ports: dict[str, int]

    def alive(self) -> bool:
        """Whether that very process still runs: a pid alone may be another's now."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < SAME_START_S
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def read(places: Places) -> Record | None:
    """The record of the last start, if there is a readable one."""
    try:
        return Record(**json.loads(places.record.read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        # A half-written or older file tells nothing: the mark finds the processes.
        return None


def write(places: Places, record: Record) -> None:
    """Keep the record for later commands; only the owner may read it."""
    unfinished = places.record.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(record), file)
    unfinished.replace(places.record)


def marked_processes(places: Places) -> list[psutil.Process]:
    """Every process of this stack, whatever happened to its supervisor."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(STACK_MARK) == places.short_name:
                found.append(process)
        except (psutil.Error, OSError):
            # Another user's process, or gone meanwhile: not one of ours.
            continue
    return found
