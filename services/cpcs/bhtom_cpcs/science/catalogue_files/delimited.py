"""CSV, ECSV and plain tables with a line of names."""

import csv
import re
from collections.abc import Iterator, Sequence

import numpy as np
from astropy.io import fits

from bhtom_cpcs.science.catalogue_files.column_names import (
    fact_card,
    is_number_column,
)
from bhtom_cpcs.science.catalogue_files.decimal_commas import (
    has_decimal_commas,
    mark_beside_commas,
)
from bhtom_cpcs.science.catalogue_files.table import (
    MAX_COLUMNS,
    FloatArray,
    Table,
    refuse,
)
from bhtom_cpcs.science.catalogue_files.text_rows import (
    check_rows,
    numbers_in,
    tolerant,
)

# spreadsheets write their mark into a first line of its own
_EXCEL_MARK = re.compile(r'^"?sep=([,;|\t])"?\s*$', re.IGNORECASE)
_DELIMITERS = ",;\t|"
_ECSV_COLUMN = re.compile(r"#\s*-\s*\{name:\s*([^,}]+),(?:.*?\bunit:\s*([^,}]+))?")
_ECSV_DELIMITER = re.compile(r"#\s*delimiter:\s*['\"]?(.)")
# astrosource writes its lists without names: ra, dec, x, y, counts, error of counts.
_ASTROSOURCE = ("RA", "DEC", "X", "Y", "COUNTS", "COUNTERR")
_ASTROSOURCE_WIDTHS = (6, 8)
_ROWS_LOOKED_AT = 20  # the first may be cut short


def read_delimited(lines: Sequence[str], header: fits.Header) -> Table:
    """Read the columns that may be needed of a table with names."""
    comments = [line for line in lines if line.startswith("#")]
    rows = [line for line in lines if line.strip() and not line.startswith("#")]
    check_rows(len(rows))
    is_ecsv = lines[0].startswith("# %ECSV")
    if is_ecsv:
        delimiter = _ecsv_delimiter(comments)
    else:
        delimiter, rows = _told_delimiter(rows)
        check_rows(len(rows))
    note = ""
    first = _fields(rows[0], delimiter)
    if len(first) > MAX_COLUMNS:
        raise refuse(f"it has more than {MAX_COLUMNS} columns")
    if not _all_numbers(first):
        names, rows = first, rows[1:]
    elif comments and len(_comment_names(comments[-1], delimiter)) == len(first):
        names = _comment_names(comments[-1], delimiter)
    elif len(first) in _ASTROSOURCE_WIDTHS and _plausible(first):
        names = list(_ASTROSOURCE)
        note = (
            " "
            * bool(note)
            + "The file names no columns; they were taken as right ascension, "
            "declination, x, y, counts and their error, as astrosource writes them."
        )
    else:
        raise refuse(
            "no line names its columns; write a first line such as ra,dec,mag,mag_err"
        )
    check_rows(len(rows))
    _refuse_split_numbers(rows, len(first), delimiter)
    units = _ecsv_units(comments) if is_ecsv else {}
    kind = "ECSV" if is_ecsv else ("CSV" if delimiter else "text table")
    return _table(kind, _upper(names), rows, delimiter, units, header, note)


def _table(
    kind: str,
    names: list[str],
    rows: Sequence[str],
    delimiter: str | None,
    units: dict[str, str],
    header: fits.Header,
    note: str,
) -> Table:
    wanted: dict[str, int] = {}
    facts: dict[str, int] = {}
    for index, name in enumerate(names):
        if is_number_column(name):
            wanted.setdefault(name, index)
        if card := fact_card(name):
            facts.setdefault(card, index)
    if not wanted:
        listed = ", ".join([name for name in names if name][:8])[:120]
        raise refuse(f"none of its columns is known ({listed})")
    quoted = any('"' in row for row in rows)
    commas = _decimal_commas(rows, wanted, delimiter, quoted)
    if commas:
        note = f"{note} Its decimal commas were read as points.".strip()
        rows = rows if quoted else [row.replace(",", ".") for row in rows]
    told = _facts(rows, facts, delimiter)
    if quoted:
        columns, n_broken = _quoted(rows, wanted, len(names), delimiter, commas)
    else:
        columns, n_broken = numbers_in(rows, wanted, delimiter)
    _hours_to_degrees(columns, units, rows, wanted, delimiter)
    return Table(kind, columns, units, told, header, n_broken, note)


def _decimal_commas(
    rows: Sequence[str], wanted: dict[str, int], delimiter: str | None, quoted: bool
) -> bool:
    """Whether the wanted columns have decimal commas, where they can have any."""
    if not any("," in row for row in rows) or (delimiter == "," and not quoted):
        return False
    split = _split(rows, delimiter) if quoted else (r.split(delimiter) for r in rows)
    return has_decimal_commas(
        fields[index]
        for fields in split
        for index in wanted.values()
        if index < len(fields)
    )


def _split(rows: Sequence[str], delimiter: str | None) -> Iterator[list[str]]:
    try:
        yield from csv.reader(rows, delimiter=delimiter or " ", skipinitialspace=True)
    except csv.Error as error:
        raise refuse("its rows cannot be read as CSV") from error


def _facts(
    rows: Sequence[str], facts: dict[str, int], delimiter: str | None
) -> dict[str, tuple[str, ...]]:
    """The first two distinct texts of each column that tells of the exposure."""
    found: dict[str, dict[str, None]] = {card: {} for card in facts}
    if facts:
        for row in _split(rows, delimiter):
            for card, index in facts.items():
                if len(found[card]) < 2 and index < len(row):
                    found[card].setdefault(row[index])
    return {card: tuple(texts) for card, texts in found.items()}


def _quoted(
    rows: Sequence[str],
    wanted: dict[str, int],
    width: int,
    delimiter: str | None,
    commas: bool,
) -> tuple[dict[str, FloatArray], int]:
    mark = "," if commas else "."
    good = (
        [fields[index].replace(mark, ".") for index in wanted.values()]
        for fields in _split(rows, delimiter)
        if len(fields) == width
    )
    values = tolerant(good, len(wanted))
    check_rows(len(values))
    columns = {name: values[:, i].copy() for i, name in enumerate(wanted)}
    return columns, len(rows) - len(values)


def _hours_to_degrees(
    columns: dict[str, FloatArray],
    units: dict[str, str],
    rows: Sequence[str],
    wanted: dict[str, int],
    delimiter: str | None,
) -> None:
    """Right ascensions written as 10:22:33 are hours, where no unit says otherwise."""
    for name in ("RA", "RAJ2000", "RA_ICRS", "RA_J2000", "RIGHT_ASCENSION"):
        if name not in wanted or units.get(name):
            continue
        fields = (_fields(row, delimiter) for row in rows[:_ROWS_LOOKED_AT])
        if any(":" in "".join(row[wanted[name] : wanted[name] + 1]) for row in fields):
            columns[name] = columns[name] * 15.0


def _ecsv_delimiter(comments: Sequence[str]) -> str | None:
    for line in comments:
        if match := _ECSV_DELIMITER.match(line):
            return match[1]
    return " "


def _ecsv_units(comments: Sequence[str]) -> dict[str, str]:
    found = (_ECSV_COLUMN.match(line) for line in comments)
    return {
        match[1].strip().upper(): (match[2] or "").strip() for match in found if match
    }


def _told_delimiter(rows: list[str]) -> tuple[str | None, list[str]]:
    """The mark between columns, and the rows without the line that only names it."""
    if match := _EXCEL_MARK.match(rows[0]):
        return match[1], rows[1:]
    if mark := mark_beside_commas(rows[0]):
        return None if mark == " " else mark, rows
    return _delimiter(rows[0]), rows


def _refuse_split_numbers(
    rows: Sequence[str], n_names: int, delimiter: str | None
) -> None:
    """Refuse rows whose commas divide columns and decimals: which is which?"""
    if delimiter != ",":
        return
    width = max(row.count(",") + 1 for row in rows[:_ROWS_LOOKED_AT])
    least = min(row.count(",") + 1 for row in rows[:_ROWS_LOOKED_AT])
    if least > n_names + 1 and not any('"' in row for row in rows[:_ROWS_LOOKED_AT]):
        raise refuse(
            f"its rows have up to {width} fields where {n_names} columns are named; if "
            "commas are decimal marks too, write points, or semicolons between columns"
        )


def _delimiter(row: str) -> str | None:
    counts = {mark: row.count(mark) for mark in _DELIMITERS}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else None


def _fields(row: str, delimiter: str | None) -> list[str]:
    if delimiter is None:
        return row.split()
    try:
        return [text.strip() for text in next(csv.reader([row], delimiter=delimiter))]
    except (csv.Error, StopIteration) as error:
        raise refuse("its line of names cannot be read") from error


def _comment_names(comment: str, delimiter: str | None) -> list[str]:
    return _fields(comment.lstrip("# "), delimiter)


def _upper(names: Sequence[str]) -> list[str]:
    return [name.strip().strip("\"'").upper() for name in names]


def _all_numbers(fields: Sequence[str]) -> bool:
    pointed = [field.replace(",", ".") for field in fields]
    return bool(np.isfinite(tolerant([pointed], len(fields))).all())


def _plausible(fields: Sequence[str]) -> bool:
    pointed = [field.replace(",", ".") for field in fields]
    ra, dec, x, y, counts, error = tolerant([pointed], len(fields))[0][:6]
    on_sky = 0 <= ra <= 360 and -90 <= dec <= 90
    return bool(on_sky and x > -10 and y > -10 and counts > error > 0)
