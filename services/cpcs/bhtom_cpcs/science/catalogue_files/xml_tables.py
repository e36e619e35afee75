"""VOTable files."""

import io
import re

import numpy as np
from astropy.io import fits
from astropy.io.votable import parse

from bhtom_cpcs.science.catalogue_files.column_names import (
    fact_card,
    is_number_column,
)
from bhtom_cpcs.science.catalogue_files.table import (
    MAX_COLUMNS,
    FloatArray,
    Table,
    refuse,
)
from bhtom_cpcs.science.catalogue_files.text_rows import check_rows
from bhtom_cpcs.science.frames.fits_files import FITS_ERRORS

# A cell of XML becomes some hundred bytes while it is read.
_MAX_XML_BYTES = 30_000_000
# astropy opens the address of a stream, be it a file of this machine or a service of
# its network. No tag holds another's `<`, and base64 no `=` before its end.
_ELSEWHERE = re.compile(rb"<[^<]*STREAM[^<]*\shref\s*=")


def is_votable(data: bytes) -> bool:
    """Whether the file is XML with a VOTABLE element near its beginning."""
    return b"<VOTABLE" in data[:4096] and data.lstrip()[:1] == b"<"


def read_votable(data: bytes, header: fits.Header) -> Table:
    """Read the first table with rows."""
    if len(data) > _MAX_XML_BYTES:
        raise refuse(
            f"as XML it may have {_MAX_XML_BYTES // 1_000_000} MB; FITS and CSV more"
        )
    # Entities can unfold to gigabytes, and no program writes them into a table.
    if b"<!ENTITY" in data or b"<!DOCTYPE" in data:
        raise refuse("it declares XML entities, which a table does not need")
    if _ELSEWHERE.search(data):
        raise refuse("its data are kept elsewhere; save the table with its data inside")
    try:
        document = parse(io.BytesIO(data), verify="ignore")
        table = next((one for one in document.iter_tables() if one.nrows), None)
        if table is None:
            raise refuse("it holds no rows of data")
        check_rows(table.nrows)
        if len(table.fields) > MAX_COLUMNS:
            raise refuse(f"it has more than {MAX_COLUMNS} columns")
        return _table(table.array, table.fields, header)
    except (*FITS_ERRORS, SyntaxError, RecursionError, MemoryError) as error:
        text = " ".join(str(error).split())[:120] or type(error).__name__
        raise refuse(f"its XML cannot be read: {text}") from error


def _table(array: object, fields: object, header: fits.Header) -> Table:
    columns: dict[str, FloatArray] = {}
    units: dict[str, str] = {}
    facts: dict[str, tuple[str, ...]] = {}
    for one in fields:  # type: ignore[attr-defined]
        name = str(one.name or one.ID).strip().upper()
        values = array[one.ID]  # type: ignore[index]
        if card := fact_card(name):
            facts.setdefault(card, tuple(dict.fromkeys(map(str, values)))[:2])
        if is_number_column(name) and values.dtype.kind in "iuf" and values.ndim == 1:
            filled = np.ma.filled(np.ma.asarray(values).astype(np.float64), np.nan)
            columns.setdefault(name, filled)
            units.setdefault(name, str(one.unit or ""))
    if not columns:
        raise refuse("none of its columns is known")
    return Table("VOTable", columns, units, facts, header)
