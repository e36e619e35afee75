"""The archives that catalogues can be fetched from."""

from typing import Final

from bhtom_cpcs.reference_catalogues.descriptions import ArchiveTable

GAIA_ARCHIVE: Final = "https://gea.esac.esa.int/tap-server/tap"
VIZIER: Final = "https://tapvizier.cds.unistra.fr/TAPVizieR/tap"


def vizier_table(
    table: str, ra: str, dec: str, columns: tuple[str, ...]
) -> ArchiveTable:
    """A VizieR table; its names need quotes, being no plain words."""

    def quoted(name: str) -> str:
        return f'"{name}"'

    return ArchiveTable(
        VIZIER,
        quoted(table),
        quoted(ra),
        quoted(dec),
        tuple(quoted(column) for column in columns),
    )
