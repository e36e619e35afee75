"""Tables as archives hand them out, read into columns: text, VOTable, FITS, Parquet."""

import gzip
import re
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast
from xml.parsers.expat import ExpatError

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from astropy.io import fits, votable

from bhtom_cpcs.reference_catalogues.manifest import CatalogueError
from bhtom_cpcs.reference_catalogues.xml_guard import refuse_outside_references

Column = npt.NDArray[Any]  # float64, or objects that are text (None where missing)

_LARGEST_BYTES: Final = 4 << 30
_MISSING: Final = ["", "null", "NULL", "nan", "NaN", "--", "-", "INDEF", "N/A", "None"]
UNREADABLE: Final = (
    pa.ArrowException,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    SyntaxError,
    ExpatError,
    zlib.error,
    MemoryError,
)
_RULE_LINE: Final = re.compile(rb"^[-\s|;,]*-{2,}[-\s|;,]*$")
_IRAF_FIELD: Final = re.compile(rb"^#\s+(\w+)\s+(\d+)\s+\d+\s+[a-z]\s", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Table:
    """A table's columns by name; numbered from "1" where the file names none."""

    columns: dict[str, Column]
    has_header: bool = True

    def __len__(self) -> int:
        """Count the rows."""
        return len(next(iter(self.columns.values()))) if self.columns else 0


def read_table(path: Path) -> Table:
    """Read a table, whose kind is told by its first bytes and not by its name.

    Raises
    ------
    CatalogueError
        It is no table that we can read, in a sentence.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError("it is larger than 4 GiB; split it")
        with warnings.catch_warnings():
            # files from elsewhere break small rules that do not matter here
            warnings.simplefilter("ignore")
            return _read(path)
    except UNREADABLE as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        message = f"{path.name} cannot be read: {reason}"
        raise CatalogueError(message) from error


def _read(path: Path) -> Table:
    with _opened(path) as file:
        start = file.read(2048)
    if not start.strip():
        raise ValueError("it is empty")
    if start.startswith(b"SIMPLE  ="):
        return _from_fits(path)
    if start.startswith(b"PAR1"):
        return _from_arrow(pq.read_table(path))
    if b"<VOTABLE" in start or start.lstrip().startswith(b"<?xml"):
        return _from_votable(path)
    if b"\0" in start:
        raise ValueError("it is neither text, VOTable, FITS nor Parquet")
    with _opened(path) as file:
        text = file.read(_LARGEST_BYTES + 1)
    if len(text) > _LARGEST_BYTES:
        raise ValueError("it is larger than 4 GiB unpacked; split it")
    return _from_text(_as_utf8(text))


def _as_utf8(text: bytes) -> bytes:
    try:
        text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1").encode()
    return text


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path) if packed else path.open("rb"))


def _from_text(text: bytes) -> Table:
    """Read delimited text; comments, units and rules around the names are left out."""
    comments, position = [], 0
    while position < len(text):
        end = text.find(b"\n", position)
        end = len(text) if end < 0 else end + 1
        line = text[position:end]
        if line.strip() and not line.startswith(b"#"):
            break
        comments.append(line)
        position = end
    if position >= len(text):
        raise ValueError("it holds no rows")
    note = b"".join(comments)
    if b"BEGIN CATALOG HEADER" in note:
        return _from_iraf(note, text[position:])
    names, body = text[position:end], text[end:]
    delimiter = _delimiter(names, note)
    if delimiter == " " and b"%ECSV" not in note:
        names, body, delimiter = _tabbed(names), _tabbed(body), "\t"
    fields = names.decode(errors="replace").rstrip("\r\n").split(delimiter)
    # a column is never called a number, and a row of a star never lacks one
    has_header = not any(_is_number(field) for field in fields)
    rows = _without_units(body) if has_header else names + body
    if has_header and not rows.strip():
        raise ValueError("it holds no rows below the names of its columns")
    table = pyarrow.csv.read_csv(
        pa.BufferReader(names + rows if has_header else rows),
        read_options=pyarrow.csv.ReadOptions(
            autogenerate_column_names=not has_header, use_threads=False
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=delimiter,
            invalid_row_handler=lambda row: (
                "skip" if row.text.startswith("#") else "error"
            ),
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            null_values=_MISSING, strings_can_be_null=True
        ),
    )
    if has_header:
        return _from_arrow(table)
    numbered = [str(number + 1) for number in range(table.num_columns)]
    return Table(_from_arrow(table.rename_columns(numbered)).columns, has_header=False)


def _delimiter(names: bytes, comments: bytes) -> str:
    if b"%ECSV" in comments:
        return "," if re.search(rb"delimiter:\s*','", comments) else " "
    return next((c for c in "\t,;|" if c.encode() in names), " ")


def _tabbed(text: bytes) -> bytes:
    """Put a tab between words that blanks set apart."""
    lines = (line.strip() for line in text.splitlines())
    return b"".join(re.sub(rb"[ \t]+", b"\t", line) + b"\n" for line in lines if line)


def _without_units(body: bytes) -> bytes:
    """Leave out the lines of units and of dashes that VizieR puts below the names."""
    position = 0
    for _ in range(3):
        end = body.find(b"\n", position) + 1
        if not end:
            break
        if _RULE_LINE.match(body[position:end].strip()):
            return body[end:]
        position = end
    return body


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _from_iraf(header: bytes, body: bytes) -> Table:
    """Read IRAF's catalogue text: its header says which word of a line is what."""
    fields = {
        int(number) - 1: name.decode() for name, number in _IRAF_FIELD.findall(header)
    }
    lines = [line.split() for line in body.decode(errors="replace").splitlines()]
    rows = [line for line in lines if len(line) > max(fields, default=10_000)]
    columns = {}
    for number, name in fields.items():
        columns[name] = numbers(np.array([row[number] for row in rows], dtype=object))
    return Table(columns)


def _from_arrow(table: Any) -> Table:
    columns: dict[str, Column] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name in columns:
            continue
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.int8())
        if pa.types.is_null(column.type):
            columns[name] = np.full(len(column), np.nan)
        elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            columns[name] = np.array(column.to_numpy(zero_copy_only=False), dtype=float)
        elif not pa.types.is_nested(column.type):
            text = column.cast(pa.string()).to_numpy(zero_copy_only=False)
            columns[name] = np.array(text, dtype=object)
    return Table(columns)


def _from_fits(path: Path) -> Table:
    with fits.open(path, memmap=False) as hdus:
        for hdu in hdus:
            if isinstance(hdu, fits.BinTableHDU | fits.TableHDU) and hdu.columns:
                names = hdu.columns.names
                if len(names) > 1 and hdu.data is not None:
                    found = {name: _plain(hdu.data[name]) for name in names}
                    return Table({n: v for n, v in found.items() if v is not None})
    raise ValueError("it holds no table of stars")


def _from_votable(path: Path) -> Table:
    with _opened(path) as file:
        refuse_outside_references(file)
        table = votable.parse_single_table(file, verify="ignore")
    columns: dict[str, Column] = {}
    for field in table.fields:
        values = _plain(table.array[field.ID])
        if values is not None:
            columns.setdefault(field.name, values)
    return Table(columns)


def _plain(values: Any) -> Column | None:
    """A column as numbers or text; None for one of lists."""
    mask = np.ma.getmaskarray(values) if np.ma.isMaskedArray(values) else None
    plain = np.asarray(values)
    if plain.ndim != 1:
        return None
    if plain.dtype.kind in "biuf":
        result: Column = plain.astype(float)
        if mask is not None:
            result[mask] = np.nan
        return result
    decoded = [v.decode(errors="replace") if isinstance(v, bytes) else v for v in plain]
    text = np.array([None if v is None else str(v) for v in decoded], dtype=object)
    if mask is not None:
        text[mask] = None
    return text


def numbers(values: Column) -> npt.NDArray[np.float64]:
    """A column as numbers; NaN for text that is none."""
    if values.dtype.kind == "f":
        return values
    result = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        if value is not None and _is_number(str(value)):
            result[row] = float(value)
    return result
