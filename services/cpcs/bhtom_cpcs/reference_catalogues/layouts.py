"""Which layout a table has: of a named catalogue, or of the only one that fits."""

import re
from typing import Final

import numpy as np

from bhtom_cpcs.reference_catalogues.descriptions import (
    FLAG_NAMES,
    BandColumns,
    CatalogueDescription,
    OneOf,
    TableLayout,
)
from bhtom_cpcs.reference_catalogues.manifest import CatalogueError
from bhtom_cpcs.reference_catalogues.surveys import KNOWN
from bhtom_cpcs.reference_catalogues.table_files import Table, numbers

_BAND: Final = r"([A-Za-z][A-Za-z0-9]{0,9})"
_OURS: Final = re.compile(rf"^mag_{_BAND}$")
_VIZIER: Final = re.compile(rf"^{_BAND}mag$")
_TRUE: Final = ("1", "1.0", "true", "t", "yes")
_EPOCH_TOLERANCE_YR: Final = 0.01


def layout_for(
    table: Table, description: CatalogueDescription, file_name: str
) -> TableLayout:
    """The layout of a catalogue that a table has: a known one, or our own columns.

    Raises
    ------
    CatalogueError
        None fits, or the positions are of another epoch.
    """
    fitting = [layout for layout in description.layouts if _fits(table, layout)]
    own = own_layout(table, description)
    if own is not None:
        fitting.append(own)
    if not fitting:
        raise CatalogueError(_misfit(table, description, file_name))
    layout = max(fitting, key=lambda layout: _columns_used(table, layout))
    other = other_epoch(table, layout, description)
    if other is not None:
        message = (
            f"{file_name} holds positions of {other:.1f} ({layout.epoch}) and "
            f"{description.name} has those of {description.epoch_jyear}; import it "
            "under the name of its own release."
        )
        raise CatalogueError(message)
    return layout


def recognised(table: Table, file_name: str) -> CatalogueDescription:
    """The one known catalogue that a table is from.

    Raises
    ------
    CatalogueError
        No known layout fits, or those of several catalogues do.
    """
    if not len(table):
        message = f"{file_name} holds no star."
        raise CatalogueError(message)
    found = [
        (_columns_used(table, layout), description, layout)
        for description in KNOWN.values()
        for layout in description.layouts
        if _fits(table, layout)
        and not layout.generic
        and other_epoch(table, layout, description) is None
    ]
    most = max((used for used, _, _ in found), default=0)
    best = {d.name: (d, layout) for used, d, layout in found if used == most}
    if len(best) == 1:
        return next(iter(best.values()))[0]
    if best:
        names = " or ".join(best)
        title = next(iter(best.values()))[1].title
        message = f"{file_name} may be {names} ({title}); say which with --name."
    elif not table.has_header:
        message = (
            f"{file_name} does not name its {len(table.columns)} columns, and no known "
            "catalogue has as many without names."
        )
    else:
        message = (
            f"{file_name} has the columns {_listed(table)}, by which no catalogue can "
            "be told; say with --name what it is."
        )
    raise CatalogueError(message)


def own_layout(table: Table, description: CatalogueDescription) -> TableLayout | None:
    """The layout of our own column names, or of VizieR's <band>mag; None if neither."""
    names = table.columns
    bands: dict[str, BandColumns] = {}
    for name in names:
        if match := _OURS.match(name):
            band = match[1]
            bands[band] = BandColumns(
                name,
                error=f"error_{band}",
                verified=OneOf(f"verified_{band}", _TRUE),
            )
        elif (match := _VIZIER.match(name)) and match[1] not in bands:
            band = match[1]
            bands[band] = BandColumns(
                name, error=f"e_{band}mag", verified=OneOf(f"{band}Flag", _TRUE)
            )
    if description.bands:
        bands = {band: bands[band] for band in description.bands if band in bands}
    for ra, dec, pm_ra, pm_dec in (
        ("ra_deg", "dec_deg", "pm_ra_masyr", "pm_dec_masyr"),
        ("RA_ICRS", "DE_ICRS", "pmRA", "pmDE"),
    ):
        if ra in names and dec in names and bands:
            return TableLayout(
                title="own columns",
                ra=ra,
                dec=dec,
                bands=bands,
                pm_ra=pm_ra,
                pm_dec=pm_dec,
                flags={flag: (OneOf(flag, _TRUE),) for flag in FLAG_NAMES},
            )
    return None


def other_epoch(
    table: Table, layout: TableLayout, description: CatalogueDescription
) -> float | None:
    """The epoch of the table's positions where it is not the catalogue's."""
    if layout.epoch is None or layout.epoch not in table.columns:
        return None
    epochs = numbers(table.columns[layout.epoch])
    off = np.abs(epochs - description.epoch_jyear) > _EPOCH_TOLERANCE_YR
    off &= np.isfinite(epochs)
    return float(epochs[off][0]) if off.any() else None


def named(table: Table, layout: TableLayout) -> Table:
    """The table with the layout's names, where the file has none."""
    if table.has_header:
        return table
    pairs = zip(layout.without_header, table.columns.values(), strict=True)
    return Table(dict(pairs))


def _fits(table: Table, layout: TableLayout) -> bool:
    if not table.has_header:
        return len(layout.without_header) == len(table.columns)
    if layout.without_header:
        return False
    needed = {layout.ra, layout.dec, *layout.needs}
    if layout.long is not None:
        needed |= {layout.long.star, layout.long.band, layout.long.magnitude}
        return needed <= set(table.columns)
    any_band = any(band.magnitude in table.columns for band in layout.bands.values())
    return any_band and needed <= set(table.columns)


def _columns_used(table: Table, layout: TableLayout) -> int:
    if not table.has_header:
        return len(table.columns)
    named_columns = {layout.ra, layout.dec, layout.pm_ra, layout.pm_dec, *layout.needs}
    for band in layout.bands.values():
        named_columns |= set(band.columns())
    if layout.long is not None:
        named_columns |= {layout.long.star, layout.long.band, layout.long.error}
    return len(named_columns & set(table.columns))


def _misfit(table: Table, description: CatalogueDescription, file_name: str) -> str:
    if not table.has_header:
        return (
            f"{file_name} does not name its {len(table.columns)} columns, and "
            f"{description.name} has no layout of as many without names."
        )
    known = "; ".join(
        f"{layout.title}: {layout.ra}, {layout.dec}, "
        + ", ".join(band.magnitude for band in list(layout.bands.values())[:3])
        for layout in description.layouts
    )
    return (
        f"{file_name} has the columns {_listed(table)}; needed are ra_deg, dec_deg and "
        "mag_<band> (or RA_ICRS, DE_ICRS and <band>mag)"
        + (f", or those of {known}." if known else ".")
    )


def _listed(table: Table) -> str:
    names = list(table.columns)
    return ", ".join(names[:30]) + (" ..." if len(names) > 30 else "")
