"""What a benchmark reports: a figure beside its goal and its peer of the same run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of `docs/measured.md`; `measured` may say why nothing was measured.

    `met` says whether the goal was, None where there is none to meet.
    """

    name: str
    goal: str
    measured: str
    peer: str
    command: str
    met: bool | None = None
