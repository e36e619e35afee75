"""What is asked of an archive: a cone of a table, in ADQL."""

from typing import Final

from bhtom_cpcs.reference_catalogues.descriptions import (
    ArchiveTable,
    CatalogueDescription,
)
from bhtom_cpcs.reference_catalogues.manifest import CatalogueError
from bhtom_cpcs.reference_catalogues.surveys import KNOWN

LARGEST_RADIUS_DEG: Final = 1.5
MOST_STARS: Final = 500_000


def fetchable(name: str) -> tuple[CatalogueDescription, ArchiveTable]:
    """A known catalogue and where an archive has it.

    Raises
    ------
    CatalogueError
        It is unknown, or no archive is known for it.
    """
    known = KNOWN.get(name)
    if known is None or known.archive is None:
        names = ", ".join(n for n, known in KNOWN.items() if known.archive)
        message = f"'{name}' cannot be fetched; these can: {names}."
        raise CatalogueError(message)
    return known, known.archive


def cone_query(
    table: ArchiveTable,
    ra_deg: float,
    dec_deg: float,
    radius_deg: float,
    rows: int = MOST_STARS,
) -> str:
    """The ADQL of a cone; one row more than allowed tells that there were too many.

    Raises
    ------
    CatalogueError
        The cone is none, or too wide for one question to an archive.
    """
    if not (0 <= ra_deg < 360 and abs(dec_deg) <= 90 and radius_deg > 0):
        message = f"{ra_deg}, {dec_deg}, {radius_deg} is not a cone on the sky [deg]."
        raise CatalogueError(message)
    if radius_deg > LARGEST_RADIUS_DEG:
        message = (
            f"A cone of {radius_deg:g} deg is more than the {LARGEST_RADIUS_DEG} deg "
            "that are fetched at once; import a file instead."
        )
        raise CatalogueError(message)
    columns = ", ".join((table.ra, table.dec, *table.columns))
    # every name is one of ours, and numbers are numbers
    return (
        f"SELECT TOP {rows + 1} {columns} FROM {table.table} "  # noqa: S608
        f"WHERE 1 = CONTAINS(POINT('ICRS', {table.ra}, {table.dec}), "
        f"CIRCLE('ICRS', {ra_deg:.8f}, {dec_deg:.8f}, {radius_deg:.8f}))"
    )
