"""Opens a reference catalogue: the newest release, or the one that a result pinned."""

from pathlib import Path

from bhtom_cpcs.reference_catalogues.combined import AND, OF, CombinedCatalogue
from bhtom_cpcs.reference_catalogues.manifest import CatalogueError
from bhtom_cpcs.reference_catalogues.surveys import KNOWN
from bhtom_cpcs.reference_catalogues.tile_catalogue import (
    EmptyCatalogue,
    TileCatalogue,
    open_release,
)
from bhtom_cpcs.science.reference import ReferenceCatalogue

__all__ = ["CombinedCatalogue", "EmptyCatalogue", "TileCatalogue", "open_catalogue"]


def open_catalogue(
    root: Path, name: str, release: str | None = None
) -> ReferenceCatalogue:
    """Open a catalogue with its companions: the newest versions, or those pinned.

    `release` is what `.release` said when a result was made.

    Raises
    ------
    CatalogueError
        The name is none, or a release is not here.
    """
    if release is None:
        first = open_release(root, name)
        companions = KNOWN[name].companions if name in KNOWN else ()
        others = tuple(open_release(root, companion) for companion in companions)
    else:
        own, *pinned = release.split(AND)
        first = open_release(root, name, own)
        others = tuple(_pinned(root, text) for text in pinned)
    held = tuple(other for other in others if isinstance(other, TileCatalogue))
    if isinstance(first, EmptyCatalogue) or not held:
        return first
    return CombinedCatalogue(first, held)


def _pinned(root: Path, text: str) -> TileCatalogue:
    name, separator, release = text.partition(OF)
    found = open_release(root, name, release) if separator else None
    if not isinstance(found, TileCatalogue):
        message = f"'{text}' is not a catalogue and its release."
        raise CatalogueError(message)
    return found
