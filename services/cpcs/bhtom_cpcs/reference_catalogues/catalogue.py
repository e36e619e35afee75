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
    """The releases that light curves are tied to, each once, then the newest.

    One that is no longer here is left out.
    """
    offered = set()
    of_pins = (pin.release for pin in pinned if pin.catalogue_name == name)
    for release in dict.fromkeys(of_pins):
        with suppress(CatalogueError):
            catalogue = open_catalogue(root, name, release)
            offered.add(catalogue.release)
            yield catalogue
    newest = open_catalogue(root, name)
    if newest.release not in offered:
        yield newest


def _pinned(root: Path, text: str) -> TileCatalogue:
    name, separator, release = text.partition(OF)
    found = open_release(root, name, release) if separator else None
    if not isinstance(found, TileCatalogue):
        message = f"'{text}' is not a catalogue and its release."
        raise CatalogueError(message)
    return found
