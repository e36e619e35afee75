"""What a program of the local stack is, before anything runs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Program:
    """One process that the supervisor keeps alive."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    # What a person may open or connect to, and where readiness is asked.
    address: str = ""
    health_url: str | None = None
    ports: tuple[int, ...] = ()
    user: str | None = None
    stop_signal: str = "TERM"
    stop_within_s: int = 10
    # Lower starts first and stops last.
    order: int = 50
    folder: str | None = None
