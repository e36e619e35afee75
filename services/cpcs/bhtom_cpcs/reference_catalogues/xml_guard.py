"""Refuses XML tables that would make their reader look elsewhere or unfold."""

import re
from typing import IO

from bhtom_cpcs.reference_catalogues.manifest import CatalogueError

# astropy opens the address of a stream, be it a file of this machine or a service of
# its network; entities can unfold to gigabytes. No archive's table needs either.
_REFUSED = re.compile(rb"<[^<]*STREAM[^<]*\shref\s*=|<!ENTITY|<!DOCTYPE")
_CHUNK_BYTES = 4 * 2**20
_OVERLAP_BYTES = 64 * 2**10


def refuse_outside_references(file: IO[bytes]) -> None:
    """Look through a VOTable before it is parsed, and go back to its beginning.

    Raises
    ------
    CatalogueError
        It keeps its data elsewhere, or declares entities.
    """
    kept = b""
    while chunk := file.read(_CHUNK_BYTES):
        if _REFUSED.search(kept + chunk):
            message = (
                "The table refers to data outside of itself; save it with its data "
                "inside, without entities."
            )
            raise CatalogueError(message)
        kept = chunk[-_OVERLAP_BYTES:]
    file.seek(0)
