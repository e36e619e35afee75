"""What a reduction process is given and gives back: plain, small and picklable."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bhtom_contracts.events.frames import FitsUploaded
from bhtom_contracts.outcomes import Outcome
from bhtom_cpcs.imported_catalogues.held import CATALOGUE_NAME


@dataclass(frozen=True, slots=True)
class ReductionTask:
    """A frame to reduce: its file, the pinned inputs and the stars to use."""

    frame: str
    inputs: FitsUploaded
    catalogue_folder: str
    catalogue: str
    decisions: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReducedPlane:
    """One plane's result as plain JSON values, its plot, and what explains it.

    The plot is a PNG file, the explanation gzipped JSON.
    """

    result: dict[str, Any]
    plot: bytes | None = None
    explanation: bytes | None = None


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """Where a plane's plot and explanation are in the object store."""

    plot: str | None = None
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class ReducedFrame:
    """The result for a file, and the time that making it took [s]."""

    planes: tuple[ReducedPlane, ...]
    fingerprint: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class FinishedReduction:
    """A result with its files stored, and when it was made."""

    frame: ReducedFrame
    kept: tuple[KeptFiles, ...]
    started_at: datetime
    finished_at: datetime
    settings_version: str


def catalogue_of(requested_filter: str, default: str) -> str | None:
    """The reference catalogue that a request such as `GaiaSP/any` names.

    None when no catalogue can have such a name.
    """
    survey, separator, _ = requested_filter.partition("/")
    name = survey if separator and survey else default
    return name if CATALOGUE_NAME.match(name) else None


def stated_plane(
    outcome: Outcome, message: str, plane: int = 0, plane_count: int = 1
) -> ReducedPlane:
    """A result that was not reduced but stated: it has an outcome and a sentence."""
    return ReducedPlane(
        {
            "plane": plane,
            "plane_count": plane_count,
            "outcome": outcome.value,
            "message": message,
        }
    )
