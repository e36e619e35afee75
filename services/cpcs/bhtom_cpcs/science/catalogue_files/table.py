"""What every reader gives: the file's columns as they are, not yet understood."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop

FloatArray = npt.NDArray[np.float64]

MAX_BYTES = 100_000_000
MAX_ROWS = 2_000_000
MAX_COLUMNS = 2_000
MAX_VALUES = 40_000_000
MAX_LINE = 100_000


@dataclass(frozen=True, slots=True)
class Table:
    """A table as read.

    Attributes
    ----------
    format : name of the format, for people
    columns : numbers by upper-case name, shape (n_rows,), NaN where there is none;
        the elements of a vector column are `NAME[1]`, `NAME[2]`, ...
    units : unit text by upper-case name, where the file gives one
    facts : distinct texts (two at most) of columns that tell of the exposure
    header : cards on the exposure, as far as the file has any
    n_broken : rows that could not be read, and are not among the columns
    note : what a person should know about the reading
    """

    format: str
    columns: Mapping[str, FloatArray]
    units: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    header: fits.Header = field(default_factory=fits.Header)
    n_broken: int = 0
    note: str = ""

    @property
    def n_rows(self) -> int:
        """Count the rows that were read."""
        return len(next(iter(self.columns.values()))) if self.columns else 0


def refuse(reason: str) -> Stop:
    """Return the end of a file that cannot be used."""
    return Stop(Outcome.UNREADABLE_CATALOGUE, reason=reason)


def take_card(header: fits.Header, keyword: str, text: str) -> None:
    """Keep a fact as a card; what a card cannot hold is left out."""
    keyword = keyword.strip().upper()
    text = text.strip().strip("'\"").strip()
    if not text or text.upper() in ("INDEF", "NONE", "NAN", "NULL", "UNKNOWN"):
        return
    if not keyword.isascii() or not 1 <= len(keyword) <= 8 or keyword in header:
        return
    if keyword in ("END", "COMMENT", "HISTORY", "CONTINUE", "HIERARCH"):
        return
    if not text.isascii() or not text.isprintable() or len(text) > 68:
        return
    value: float | str
    try:
        value = number_of(text)
    except ValueError:
        value = text
    header[keyword] = value


def number_of(text: str) -> float:
    """Return a number written in any program's way; `inf` and `nan` are refused."""
    value = float(text.replace("D", "E").replace("d", "e"))
    if not np.isfinite(value):
        raise ValueError(text)
    return value
