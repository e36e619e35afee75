"""Rows of text into columns of numbers: fast where it can, tolerant where it must."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from bhtom_cpcs.science.catalogue_files.table import (
    MAX_ROWS,
    FloatArray,
    number_of,
    refuse,
)
from bhtom_cpcs.science.stop import Stop


def numbers_in(
    rows: Sequence[str], wanted: Mapping[str, int], delimiter: str | None = None
) -> tuple[dict[str, FloatArray], int]:
    """Return the wanted columns of equally long rows, and how many rows were broken.

    A row with another number of fields than most has lost or gained one, and nobody
    knows which: it is broken. Fields that are no numbers are NaN.

    Parameters
    ----------
    rows : lines of data, without comments and blank ones
    wanted : zero-based index of each column by its name
    delimiter : one character, None for any white space
    """
    check_rows(len(rows))
    n_named = max(wanted.values()) + 1
    try:
        # All columns: only then are rows of another length found.
        values = np.loadtxt(rows, delimiter=delimiter, comments=None, ndmin=2)
    except (ValueError, OverflowError):
        return _numbers_in_good(rows, wanted, delimiter, n_named)
    if values.shape[1] < n_named:
        raise _too_narrow(values.shape[1], n_named)
    return {name: values[:, index].copy() for name, index in wanted.items()}, 0


def _numbers_in_good(
    rows: Sequence[str],
    wanted: Mapping[str, int],
    delimiter: str | None,
    n_named: int,
) -> tuple[dict[str, FloatArray], int]:
    """Leave out rows of another length, and make NaN of what is no number."""
    widths = [len(row.split(delimiter)) for row in rows]
    width, _ = Counter(widths).most_common(1)[0]
    if width < n_named:
        raise _too_narrow(width, n_named)
    good = [row for row, fields in zip(rows, widths, strict=True) if fields == width]
    indices = list(dict.fromkeys(wanted.values()))
    try:
        values = np.loadtxt(
            good, usecols=indices, delimiter=delimiter, comments=None, ndmin=2
        )
    except (ValueError, OverflowError):
        values = tolerant(_picked(good, indices, delimiter), len(indices))
    columns = {name: values[:, indices.index(i)].copy() for name, i in wanted.items()}
    return columns, len(rows) - len(good)


def _too_narrow(width: int, n_named: int) -> Stop:
    return refuse(f"most rows have {width} fields where {n_named} columns are named")


def _picked(
    rows: Iterable[str], indices: Sequence[int], delimiter: str | None
) -> Iterator[list[str]]:
    """Give the fields of each row that are needed, a row at a time."""
    for row in rows:
        fields = row.split(delimiter)
        yield [fields[index] for index in indices]


def tolerant(rows: Iterable[Sequence[str]], width: int) -> FloatArray:
    """Numbers of rows of `width` fields; NaN where a field is none."""
    flat = np.fromiter((_number(text) for row in rows for text in row), dtype=float)
    return flat.reshape(-1, width)


def check_rows(count: int) -> None:
    """Refuse a table without rows or with more than anybody's catalogue has."""
    if count == 0:
        raise refuse("it holds no rows of data")
    if count > MAX_ROWS:
        raise refuse(f"it has {count} rows and the limit is {MAX_ROWS}")


def _number(text: str) -> float:
    text = text.strip().strip("\"'")
    if ":" in text:
        return _sexagesimal(text)
    try:
        return number_of(text)
    except ValueError:
        return float("nan")


def _sexagesimal(text: str) -> float:
    """Return d:m:s as one number, in the unit of its first part."""
    parts = text.split(":")
    try:
        value = [number_of(part) for part in parts]
    except ValueError:
        return float("nan")
    if len(value) > 3 or any(not 0 <= part < 60.001 for part in value[1:]):
        return float("nan")
    size = sum(abs(part) / 60**power for power, part in enumerate(value))
    return -float(size) if parts[0].strip().startswith("-") else float(size)
