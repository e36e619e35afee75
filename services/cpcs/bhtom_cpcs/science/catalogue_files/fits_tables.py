"""FITS tables: SExtractor's FITS_1.0 and FITS_LDAC, BANZAI's and others'."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from astropy.io import fits

from bhtom_cpcs.science.catalogue_files.column_names import (
    MOST_APERTURES,
    fact_card,
    is_number_column,
)
from bhtom_cpcs.science.catalogue_files.table import (
    MAX_COLUMNS,
    MAX_VALUES,
    FloatArray,
    Table,
    refuse,
)
from bhtom_cpcs.science.catalogue_files.text_rows import check_rows
from bhtom_cpcs.science.frames.fits_files import FITS_ERRORS

_MOST_HDUS = 1000
_IMAGE_HEADER = "LDAC_IMHEAD"
_STRUCTURE = ("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "TFIELDS")
_COLUMN_CARDS = ("TTYPE", "TFORM", "TUNIT", "TDISP", "TNULL", "TDIM", "TCOMM", "TUCD")


def read_fits_tables(data: bytes) -> Table:
    """Concatenate all tables that have the columns of the first usable one.

    Mosaic catalogues hold a table a chip. The image's header comes from the primary
    HDU, from an LDAC_IMHEAD table and from the table's own.
    """
    try:
        with fits.open(io.BytesIO(data), memmap=False, lazy_load_hdus=True) as hdus:
            return _read(hdus, len(data))
    except FITS_ERRORS as error:
        text = " ".join(str(error).split())[:120].rstrip(".") or type(error).__name__
        raise refuse(f"its FITS structure is damaged: {text}") from error


def _read(hdus: fits.HDUList, n_bytes: int) -> Table:
    header = fits.Header()
    parts: list[Table] = []
    is_ldac, seen = False, []
    for number, hdu in enumerate(_hdus(hdus)):
        if number == 0:
            _merge(header, hdu.header, of_image=True)
        if not isinstance(hdu, fits.BinTableHDU) or isinstance(hdu, fits.CompImageHDU):
            seen.append("an image" if _has_pixels(hdu) else "no table")
            continue
        _check_size(hdu, n_bytes)
        if hdu.name == _IMAGE_HEADER:
            is_ldac = True
            _merge(header, _image_header(hdu), of_image=True)
            continue
        if part := _table(hdu, header):
            parts.append(part)
            _merge(header, hdu.header, of_image=False)
    if not parts:
        found = "an image and no table" if "an image" in seen else "no usable table"
        raise refuse(f"it holds {found} of sources")
    return _joined(parts, "FITS_LDAC" if is_ldac else _format(parts[0]), header)


def _format(part: Table) -> str:
    if "FLUXAPER1" in part.columns:
        return "BANZAI FITS table"
    return "SExtractor FITS_1.0" if "FLAGS" in part.columns else "FITS table"


def _joined(parts: list[Table], kind: str, header: fits.Header) -> Table:
    names = parts[0].columns.keys()
    same = [part for part in parts if names <= part.columns.keys()]
    columns = dict(parts[0].columns)
    if len(same) > 1:
        columns = {
            name: np.concatenate([part.columns[name] for part in same])
            for name in names
        }
    check_rows(len(next(iter(columns.values()))))
    facts = {
        card: tuple(dict.fromkeys(text for part in same for text in part.facts[card]))[
            :2
        ]
        for card in parts[0].facts
        if all(card in part.facts for part in same)
    }
    note = "" if len(same) == 1 else f"{len(same)} tables of the file were joined."
    return Table(kind, columns, parts[0].units, facts, header, 0, note)


def _table(hdu: Any, header: fits.Header) -> Table | None:
    columns: dict[str, FloatArray] = {}
    units: dict[str, str] = {}
    facts: dict[str, tuple[str, ...]] = {}
    for column in hdu.columns:
        name = str(column.name).strip().upper()
        card = fact_card(name)
        if card is None and not is_number_column(name):
            continue
        values = np.asarray(hdu.data[column.name])
        if card is not None and values.ndim == 1 and values.dtype.kind in "iufUS":
            facts.setdefault(card, tuple(map(str, np.unique(values)[:2].tolist())))
        if not is_number_column(name) or values.dtype.kind not in "iufb":
            continue
        _take(columns, name, values)
        if sum(part.size for part in columns.values()) > MAX_VALUES:
            raise refuse(f"its columns hold more than {MAX_VALUES} numbers")
        units[name] = str(column.unit or "")
    return Table("", columns, units, facts, header) if columns else None


def _take(columns: dict[str, FloatArray], name: str, values: Any) -> None:
    """Keep a column as float64; the elements of a vector column one by one."""
    if values.ndim == 1:
        columns.setdefault(name, np.array(values, dtype=np.float64))
    elif values.ndim == 2 and 0 < values.shape[1] <= MAX_COLUMNS:
        for index in range(min(values.shape[1], MOST_APERTURES)):
            part = np.array(values[:, index], dtype=np.float64)
            columns.setdefault(f"{name}[{index + 1}]", part)


def _check_size(hdu: Any, n_bytes: int) -> None:
    """Refuse a table that says it is larger than its file before it is read."""
    rows, width = int(hdu.header["NAXIS2"]), int(hdu.header["NAXIS1"])
    if rows:
        check_rows(rows)
    if int(hdu.header["TFIELDS"]) > MAX_COLUMNS:
        raise refuse(f"it has more than {MAX_COLUMNS} columns")
    if rows * width > n_bytes:
        raise refuse("its table is larger than the file: it was cut short")


def _hdus(hdus: fits.HDUList) -> Iterator[Any]:
    for number in range(_MOST_HDUS):
        try:
            yield hdus[number]
        except IndexError:
            return


def _has_pixels(hdu: Any) -> bool:
    return len(hdu.shape) >= 2 and 0 not in hdu.shape


def _image_header(hdu: Any) -> fits.Header:
    """Return the frame's header that FITS_LDAC packs into one text cell."""
    cell = np.asarray(hdu.data.field(0))[0]
    text = "".join(str(card).ljust(80) for card in np.atleast_1d(cell).ravel())
    return fits.Header.fromstring(text)


def _merge(header: fits.Header, other: fits.Header, *, of_image: bool) -> None:
    """Add the cards that tell of the image, not those that describe the file."""
    for card in other.cards:
        keyword = card.keyword
        if keyword in ("COMMENT", "HISTORY", "") or len(keyword) > 8:
            continue
        if keyword.startswith(_COLUMN_CARDS):
            continue
        if not of_image and keyword.startswith("NAXIS"):
            continue
        if keyword in _STRUCTURE or keyword in header:
            continue
        try:
            header.append((keyword, card.value, card.comment), end=True)
        except (fits.VerifyError, ValueError):
            continue
