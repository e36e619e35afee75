"""Reads a slice of a reference catalogue from CSV, FITS or Parquet into our columns."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from astropy.io import fits

from bhtom_cpcs.reference_catalogues.manifest import CatalogueError
from bhtom_cpcs.reference_catalogues.tile_files import Columns
from bhtom_cpcs.reference_catalogues.tiles import FloatArray

_BAND = r"(?P<band>[A-Za-z][A-Za-z0-9]{0,9})"
_BAND_COLUMN = re.compile(rf"^(?P<kind>mag|error|verified)_{_BAND}$")
# VizieR's names of the Gaia DR3 synthetic photometry (I/360/syntphot).
_VIZIER = (
    (re.compile(rf"^{_BAND}mag$"), "mag"),
    (re.compile(rf"^e_{_BAND}mag$"), "error"),
    (re.compile(rf"^{_BAND}Flag$"), "verified"),
)
_OUR_POSITIONS = ("ra_deg", "dec_deg", "pm_ra_masyr", "pm_dec_masyr")
_VIZIER_POSITIONS = {
    "RA_ICRS": "ra_deg",
    "DE_ICRS": "dec_deg",
    "pmRA": "pm_ra_masyr",
    "pmDE": "pm_dec_masyr",
}


def read_slice(path: Path, default_error_mag: float) -> Columns:
    """Read a file's stars under our column names; rows without a position go.

    A band without errors gets `default_error_mag`, one without flags counts as
    verified.

    Raises
    ------
    CatalogueError
        The file cannot be read or has no positions or magnitudes.
    """
    raw = _read(path)
    columns: Columns = {}
    for name, values in raw.items():
        ours = _our_name(name)
        if ours is not None and ours not in columns:
            columns[ours] = values
    bands = bands_of(columns)
    if "ra_deg" not in columns or "dec_deg" not in columns or not bands:
        message = (
            f"{path.name} has the columns {', '.join(raw)}; needed are ra_deg, "
            "dec_deg and mag_<band> (or RA_ICRS, DE_ICRS and <band>mag)."
        )
        raise CatalogueError(message)
    _complete(columns, bands, default_error_mag)
    good = np.isfinite(columns["ra_deg"]) & (np.abs(columns["dec_deg"]) <= 90)
    if not good.any():
        message = f"{path.name} holds no star with a position."
        raise CatalogueError(message)
    return {name: values[good] for name, values in columns.items()}


def bands_of(columns: Mapping[str, FloatArray]) -> tuple[str, ...]:
    """Bands of which there are magnitudes, in the order of the columns."""
    return tuple(name[4:] for name in columns if name.startswith("mag_"))


def _our_name(name: str) -> str | None:
    """Translate a column's name; None for one that is not needed."""
    if name in _OUR_POSITIONS:
        return name
    if name in _VIZIER_POSITIONS:
        return _VIZIER_POSITIONS[name]
    if _BAND_COLUMN.match(name):
        return name
    for pattern, kind in _VIZIER:
        if match := pattern.match(name):
            return f"{kind}_{match['band']}"
    return None


def _complete(columns: Columns, bands: tuple[str, ...], default_error: float) -> None:
    """Fill in what a slice does not say."""
    columns["ra_deg"] = columns["ra_deg"] % 360
    for name in ("pm_ra_masyr", "pm_dec_masyr"):
        columns[name] = np.nan_to_num(
            columns.get(name, np.zeros(len(columns["ra_deg"])))
        )
    for band in bands:
        magnitude = columns[f"mag_{band}"]
        # 99 and the like stand for "unknown" in many files
        magnitude[~(np.abs(magnitude) < 40)] = np.nan
        error = columns.get(f"error_{band}", np.full(len(magnitude), default_error))
        columns[f"error_{band}"] = np.where(error > 0, error, default_error)
        flag = columns.get(f"verified_{band}", np.ones(len(magnitude)))
        columns[f"verified_{band}"] = np.where(np.isnan(flag), 1.0, flag)


def _read(path: Path) -> dict[str, FloatArray]:
    """Read a file's numeric columns by its suffix."""
    suffixes = path.name.lower()
    try:
        if suffixes.endswith((".csv", ".csv.gz")):
            return _from_arrow(pyarrow.csv.read_csv(path))
        if suffixes.endswith((".parquet", ".pq")):
            return _from_arrow(pq.read_table(path))
        if suffixes.endswith((".fits", ".fits.gz", ".fit")):
            return _from_fits(path)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path.name} cannot be read: {' '.join(str(error).split())[:200]}"
        raise CatalogueError(message) from error
    message = f"{path.name} is neither .csv, .fits nor .parquet."
    raise CatalogueError(message)


def _from_arrow(table: Any) -> dict[str, FloatArray]:
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.int8())
        if pa.types.is_null(column.type):
            columns[name] = np.full(len(column), np.nan)
        elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            values = column.to_numpy(zero_copy_only=False)
            columns[name] = np.array(values, dtype=float)
    return columns


def _from_fits(path: Path) -> dict[str, FloatArray]:
    with fits.open(path, memmap=False) as hdus:
        for hdu in hdus:
            if isinstance(hdu, fits.BinTableHDU) and hdu.data is not None:
                return {
                    name: np.array(hdu.data[name], dtype=float)
                    for name in hdu.columns.names
                    if hdu.data[name].dtype.kind in "biuf" and hdu.data[name].ndim == 1
                }
    message = "it holds no binary table"
    raise ValueError(message)
