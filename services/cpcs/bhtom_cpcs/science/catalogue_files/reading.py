"""Reads an instrumental catalogue of any format, told apart by what it holds."""

import codecs
import re
from pathlib import Path

from astropy.io import fits

from bhtom_cpcs.science.catalogue_files.daophot import (
    is_iraf,
    is_stetson,
    read_iraf,
    read_stetson,
)
from bhtom_cpcs.science.catalogue_files.delimited import read_delimited
from bhtom_cpcs.science.catalogue_files.fits_tables import read_fits_tables
from bhtom_cpcs.science.catalogue_files.instrumental_catalogue import (
    InstrumentalCatalogue,
)
from bhtom_cpcs.science.catalogue_files.sextractor import (
    is_sextractor,
    read_sextractor,
)
from bhtom_cpcs.science.catalogue_files.table import (
    MAX_BYTES,
    MAX_LINE,
    MAX_ROWS,
    Table,
    refuse,
    take_card,
)
from bhtom_cpcs.science.catalogue_files.understanding import understand
from bhtom_cpcs.science.catalogue_files.xml_tables import is_votable, read_votable
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop
from bhtom_runtime.unpacking import (
    MAGIC_BYTES,
    CannotUnpack,
    packing_of,
    unpacked,
)

_FITS = b"SIMPLE  ="
_COMMENT_CARD = re.compile(r"#+\s*([A-Z][A-Z0-9_-]{1,7})\s*[:=]\s*([^/]+)")
_MOST_LINES = 2 * MAX_ROWS + 100_000
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_catalogue(path: Path) -> InstrumentalCatalogue:
    """Read an instrumental catalogue: plain or packed, text, XML or FITS.

    Raises
    ------
    Stop
        `frame_missing`, or `unreadable_catalogue` with what is wrong with the file.
    """
    return understand(read_table(_bytes_of(path)))


def read_table(data: bytes) -> Table:
    """Find the format and read the columns that may be needed."""
    if not data.strip():
        raise refuse("it is empty")
    if data.startswith(_FITS):
        return read_fits_tables(data)
    header = fits.Header()
    if is_votable(data):
        return read_votable(data, header)
    if data.lstrip()[:5].lower() == b"<?xml":
        raise refuse("it is XML but no VOTable")
    lines = _lines(data)
    for line in lines[:500]:
        if match := _COMMENT_CARD.match(line):
            take_card(header, match[1], match[2])
    if is_sextractor(lines):
        return read_sextractor(lines, header)
    if is_iraf(lines):
        return read_iraf(lines, header)
    if is_stetson(lines):
        return read_stetson(lines, header)
    return read_delimited(lines, header)


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            packing = packing_of(file.read(MAGIC_BYTES))
            file.seek(0)
            if packing is not None:
                return b"".join(unpacked(file, packing, MAX_BYTES))
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise Stop(Outcome.FRAME_MISSING) from error
    except CannotUnpack as problem:
        raise refuse(str(problem)) from problem
    if len(data) > MAX_BYTES:
        raise refuse(f"it is larger than {MAX_BYTES // 1_000_000} MB")
    return data


def _lines(data: bytes) -> list[str]:
    """Return the lines of a text in any usual encoding; binary files are refused."""
    if data.startswith(_UTF16):
        text = data.decode("utf-16", errors="replace")
    elif b"\0" in data:
        raise refuse("it is neither a table in text nor FITS nor VOTable")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    n_lines = text.count("\n") + text.count("\r")
    if n_lines > _MOST_LINES:  # short ones take fifty times their size in memory
        raise refuse(f"it has {n_lines} lines and the limit is {_MOST_LINES}")
    lines = text.splitlines()
    longest = max(map(len, lines), default=0)
    if longest > MAX_LINE:
        raise refuse(f"one of its lines has {longest} characters")
    return lines
