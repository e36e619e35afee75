"""SExtractor's ASCII_HEAD catalogues: a comment line for each column."""

import re
from collections.abc import Sequence

from astropy.io import fits

from bhtom_cpcs.science.catalogue_files.column_names import is_number_column
from bhtom_cpcs.science.catalogue_files.table import MAX_COLUMNS, Table, refuse
from bhtom_cpcs.science.catalogue_files.text_rows import numbers_in

_COLUMN = re.compile(r"#\s*(\d{1,9})\s+([A-Za-z]\w*)(.*)$")
_UNIT = re.compile(r"\[([^\[\]]*)\]\s*$")


def is_sextractor(lines: Sequence[str]) -> bool:
    """Whether a comment line is like `#   1 NUMBER   Running object number`."""
    for line in lines[:200]:
        match = _COLUMN.match(line)
        if match is not None:
            return int(match[1]) == 1
    return False


def read_sextractor(lines: Sequence[str], header: fits.Header) -> Table:
    """Read the columns that may be needed; vector columns become `NAME[1]`, ..."""
    named: list[tuple[int, str, str]] = []
    for line in lines:
        match = _COLUMN.match(line)
        if match is None:
            if line.startswith("#") or not line.strip():
                continue
            break
        found = _UNIT.search(match[3])
        named.append((int(match[1]), match[2].upper(), found[1] if found else ""))
    if len(named) > MAX_COLUMNS or named[-1][0] > MAX_COLUMNS:
        raise refuse(f"its header names more than {MAX_COLUMNS} columns")
    rows = [line for line in lines if line.strip() and not line.startswith("#")]
    last = len(rows[0].split()) if rows else named[-1][0]
    wanted: dict[str, int] = {}
    units: dict[str, str] = {}
    ends = [number for number, _, _ in named[1:]] + [max(last, named[-1][0]) + 1]
    for (number, name, unit), end in zip(named, ends, strict=True):
        if not is_number_column(name):
            continue
        if end <= number:
            raise refuse(f"the column numbers of its header do not grow at {name}")
        for index in range(number, end):
            label = name if end == number + 1 else f"{name}[{index - number + 1}]"
            wanted.setdefault(label, index - 1)
            units[label] = unit
    if not wanted:
        raise refuse("its header names no column of positions or magnitudes")
    columns, n_broken = numbers_in(rows, wanted)
    return Table("SExtractor ASCII_HEAD", columns, units, {}, header, n_broken)
