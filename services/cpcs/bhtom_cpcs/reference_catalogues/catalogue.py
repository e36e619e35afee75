"""Opens a reference catalogue: the newest release, or the one that a result pinned."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from bhtom_cpcs.reference_catalogues.combined import CombinedCatalogue
from bhtom_cpcs.reference_catalogues.manifest import AND, OF, CatalogueError
from bhtom_cpcs.reference_catalogues.surveys import KNOWN
from bhtom_cpcs.reference_catalogues.tile_catalogue import (
    EmptyCatalogue,
    TileCatalogue,
    open_release,
)
from bhtom_cpcs.science.decisions import PinnedRelease
from bhtom_cpcs.science.reference import ReferenceCatalogue

__all__ = [
    "CombinedCatalogue",
    "EmptyCatalogue",
    "TileCatalogue",
    "catalogues_to_try",
    "open_catalogue",
]


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


def catalogues_to_try(
    root: Path, name: str, pinned: Iterable[PinnedRelease]
) -> Iterator[ReferenceCatalogue]:
    """The release that a light curve is tied to, then the newest.

    The newest serves where the pinned one does not cover a frame, or is no longer here:
    a frame that waited for tiles which have come since must not wait for ever. Which
    one was used is on the result.
    """
    used = None
    for pin in pinned:
        if pin.catalogue_name == name:
            with suppress(CatalogueError):
                catalogue = open_catalogue(root, name, pin.release)
                used = catalogue.release
                yield catalogue
    newest = open_catalogue(root, name)
    if newest.release != used:
        yield newest


def _pinned(root: Path, text: str) -> TileCatalogue:
    name, separator, release = text.partition(OF)
    found = open_release(root, name, release) if separator else None
    if not isinstance(found, TileCatalogue):
        message = f"'{text}' is not a catalogue and its release."
        raise CatalogueError(message)
    return found
