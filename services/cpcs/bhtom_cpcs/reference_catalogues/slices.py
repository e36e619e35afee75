"""Reads a slice of a reference catalogue, of whatever layout, into our columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.reference_catalogues.descriptions import (
    BandColumns,
    CatalogueDescription,
    LongTable,
    TableLayout,
)
from bhtom_cpcs.reference_catalogues.layouts import layout_for, named
from bhtom_cpcs.reference_catalogues.manifest import CatalogueError
from bhtom_cpcs.reference_catalogues.star_rules import evaluate
from bhtom_cpcs.reference_catalogues.table_files import (
    Column,
    Table,
    numbers,
    read_table,
)
from bhtom_cpcs.reference_catalogues.tile_files import Columns
from bhtom_cpcs.reference_catalogues.tiles import FloatArray
from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE

_LARGEST_MAGNITUDE: Final = 40.0  # 99 and the like stand for "unknown"
_LARGEST_ERROR: Final = 5.0


def read_slice(path: Path, description: CatalogueDescription) -> Columns:
    """Read a file's stars under our column names; rows without a position go.

    A magnitude without an error gets the catalogue's usual one, and none is taken to
    be smaller than its least; what the catalogue does not doubt counts as verified.

    Raises
    ------
    CatalogueError
        The file cannot be read, has no known layout, or holds no star.
    """
    return stars_of(read_table(path), description, path.name)


def stars_of(
    table: Table, description: CatalogueDescription, file_name: str
) -> Columns:
    """Translate a table's stars into our columns; as `read_slice`."""
    layout = layout_for(table, description, file_name)
    table = named(table, layout)
    if layout.long is not None:
        table, bands = _widened(table, layout, layout.long)
    else:
        bands = dict(layout.bands)
    columns = _positions(table, layout)
    for band, where in bands.items():
        if where.magnitude in table.columns:
            columns |= _band(table, layout, band, where, description)
    if not bands_of(columns):
        message = f"{file_name} holds no band of {description.name}."
        raise CatalogueError(message)
    columns |= _flags(table, layout)
    good = np.isfinite(columns["ra_deg"]) & (np.abs(columns["dec_deg"]) <= 90)
    if layout.keep is not None:
        kept = evaluate(layout.keep, table)
        good &= True if kept is None else (kept != 0)
    good &= _first_of_its_place(columns["ra_deg"], columns["dec_deg"])
    if not good.any():
        message = f"{file_name} holds no star with a position."
        raise CatalogueError(message)
    return {name: values[good] for name, values in columns.items()}


def bands_of(columns: Mapping[str, FloatArray]) -> tuple[str, ...]:
    """Bands of which there are magnitudes, in the order of the columns."""
    return tuple(name[4:] for name in columns if name.startswith("mag_"))


def _positions(table: Table, layout: TableLayout) -> Columns:
    ra, dec = table.columns[layout.ra], table.columns[layout.dec]
    if layout.sexagesimal:
        columns = {
            "ra_deg": 15 * _from_sexagesimal(ra),
            "dec_deg": _from_sexagesimal(dec),
        }
    else:
        columns = {
            "ra_deg": numbers(ra) / layout.angle_scale,
            "dec_deg": numbers(dec) / layout.angle_scale,
        }
    far = np.abs(columns["ra_deg"]) > 360
    columns["ra_deg"] = np.where(far, np.nan, columns["ra_deg"] % 360)
    for ours, theirs in (
        ("pm_ra_masyr", layout.pm_ra),
        ("pm_dec_masyr", layout.pm_dec),
    ):
        motion = np.zeros(len(table))
        if theirs is not None and theirs in table.columns:
            motion = np.nan_to_num(numbers(table.columns[theirs])) / layout.motion_scale
        columns[ours] = motion
    return columns


def _first_of_its_place(ra: FloatArray, dec: FloatArray) -> npt.NDArray[np.bool_]:
    """Leave out a star that the file has twice: both would count as ambiguous."""
    order = np.lexsort((dec, ra))  # stable: of equals the first stays
    same = (np.diff(ra[order]) == 0) & (np.diff(dec[order]) == 0)
    kept = np.ones(len(ra), dtype=bool)
    kept[order[1:][same]] = False
    return kept


def _from_sexagesimal(column: Column) -> FloatArray:
    """Read hh:mm:ss or dd:mm:ss; NaN where it is neither."""

    def value(text: object) -> float:
        parts = str(text).replace(":", " ").split()
        if text is None or len(parts) != 3:
            return np.nan
        try:
            whole, minutes, seconds = (float(part) for part in parts)
        except ValueError:
            return np.nan
        sign = -1.0 if parts[0].startswith("-") else 1.0
        return sign * (abs(whole) + minutes / 60 + seconds / 3600)

    return np.array([value(text) for text in column.tolist()])


def _band(
    table: Table,
    layout: TableLayout,
    band: str,
    where: BandColumns,
    description: CatalogueDescription,
) -> Columns:
    """Magnitude, error and trust in one band."""
    magnitude = numbers(table.columns[where.magnitude]) / layout.magnitude_scale
    magnitude = np.where(np.abs(magnitude) < _LARGEST_MAGNITUDE, magnitude, np.nan)
    if layout.magnitude_scale != 1:
        magnitude[magnitude == 0] = np.nan  # whole numbers have no other "unknown"
    if where.usable is not None:
        usable = evaluate(where.usable, table)
        if usable is not None:
            magnitude = np.where(usable == 0, np.nan, magnitude)
    verified = None if where.verified is None else evaluate(where.verified, table)
    if verified is None:
        verified = np.ones(len(magnitude))
    return {
        f"mag_{band}": magnitude,
        f"error_{band}": _errors(table, layout, where, description),
        f"verified_{band}": np.where(np.isnan(verified), 1.0, verified),
    }


def _errors(
    table: Table,
    layout: TableLayout,
    where: BandColumns,
    description: CatalogueDescription,
) -> FloatArray:
    error = np.full(len(table), np.nan)
    if where.flux is not None and all(name in table.columns for name in where.flux):
        flux, flux_error = (numbers(table.columns[name]) for name in where.flux)
        error = MAG_PER_RELATIVE * _ratio(flux_error, flux)
    if where.signal_to_noise is not None and where.signal_to_noise in table.columns:
        signal_to_noise = numbers(table.columns[where.signal_to_noise])
        error = MAG_PER_RELATIVE * _ratio(1.0, signal_to_noise)
    if where.error is not None and where.error in table.columns:
        given = numbers(table.columns[where.error]) / layout.magnitude_scale
        error = np.where(given > 0, given, error)
    known = (error > 0) & (error < _LARGEST_ERROR)
    least = np.maximum(error, description.least_error_mag)
    return np.where(known, least, description.default_error_mag)


def _ratio(above: FloatArray | float, below: FloatArray) -> FloatArray:
    ratio: FloatArray = above / np.where(below > 0, below, np.nan)
    return ratio


def _flags(table: Table, layout: TableLayout) -> Columns:
    """Flags of which the table says something, true where any of their rules is."""
    columns: Columns = {}
    for flag, rules in layout.flags.items():
        answers = [evaluate(rule, table) for rule in rules]
        said = [answer for answer in answers if answer is not None]
        if said:
            columns[flag] = np.fmax.reduce(said)
    return columns


def _widened(
    table: Table, layout: TableLayout, long: LongTable
) -> tuple[Table, dict[str, BandColumns]]:
    """One row a star from a table of one row for each star and band."""
    stars = table.columns[long.star].astype(str)
    _, first, star = np.unique(stars, return_index=True, return_inverse=True)
    wide: dict[str, Column] = {
        layout.ra: table.columns[layout.ra][first],
        layout.dec: table.columns[layout.dec][first],
    }
    words = table.columns[long.band].astype(str)
    bands = {}
    for word, band in long.bands.items():
        rows: npt.NDArray[np.intp] = np.flatnonzero(words == word)
        if not len(rows):
            continue
        bands[band] = BandColumns(f"mag {band}", error=f"error {band}")
        for kind, column in (("mag", long.magnitude), ("error", long.error)):
            values = np.full(len(first), np.nan)
            if column in table.columns:
                values[star[rows]] = numbers(table.columns[column])[rows]
            wide[f"{kind} {band}"] = values
    return Table(wide), bands
