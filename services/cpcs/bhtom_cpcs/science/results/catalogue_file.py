"""How an instrumental catalogue was read."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EstimatorFigures:
    """A brightness column of an instrumental catalogue and how well it does.

    `scatter_mag` is what the errors do not explain of the rms about the zero point in
    `passband`, on stars that every compared column has; None when it was not needed.
    """

    column: str
    error_column: str
    chosen: bool
    n_stars: int
    passband: str | None = None
    scatter_mag: float | None = None


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """How an instrumental catalogue was read.

    `columns` says which column was taken for what and why, `dropped` how many rows
    were left out for which reason.
    """

    format: str
    n_rows: int
    n_sources: int
    columns: Mapping[str, str]
    dropped: Mapping[str, int]
    estimators: tuple[EstimatorFigures, ...] = ()
