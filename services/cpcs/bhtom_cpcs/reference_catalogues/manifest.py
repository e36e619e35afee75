"""A release of a reference catalogue: its manifest, read and written.

Imports nothing heavy, so that a service can ask what is covered without the science.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bhtom_cpcs.reference_catalogues.sky_coverage import Ranges, is_covered

FORMAT = "bhtom-tiles/1"
# A release with those of its companions: "DR3+2;GaiaDR3=DR3+1".
AND = ";"
OF = "="
NOTHING_IMPORTED = "none"  # the release of a catalogue that has none


class CatalogueError(ValueError):
    """A catalogue or slice that cannot be used, in a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Tile:
    """An immutable tile: nested HEALPix pixel, sha256 of its Parquet file, rows."""

    pixel: int
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class ImportedSource:
    """A file that stars came from, and whom to credit for it."""

    file_name: str
    sha256: str
    rows: int
    credit: str
    footprint: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a version of a catalogue holds; never changed, only followed by the next.

    `release` is what results pin: the catalogue's own release and our version of it
    ("DR3+2"). `coverage` are ranges of pixels of order 12.
    """

    name: str
    title: str
    catalogue_release: str
    version: int
    epoch_jyear: float
    bands: tuple[str, ...]
    healpix_order: int
    coverage: Ranges
    tiles: tuple[Tile, ...]
    sources: tuple[ImportedSource, ...]

    @property
    def release(self) -> str:
        """Text that results pin."""
        return f"{self.catalogue_release}+{self.version}"

    @property
    def rows(self) -> int:
        """Number of stars."""
        return sum(tile.rows for tile in self.tiles)

    def has_any(self, order: int, pixels: Iterable[int]) -> bool:
        """Say whether any of the pixels that something waits for is covered now."""
        return any(is_covered(self.coverage, order, pixel) for pixel in pixels)


def own_release(release: str) -> str:
    """A catalogue's own part of a release that names its companions' as well."""
    return release.partition(AND)[0]


def load_current(root: Path, name: str) -> Manifest | None:
    """Read the newest manifest of a catalogue below `root`; None when it has none."""
    numbers = [
        int(path.stem)
        for path in (root / name / "manifests").glob("*.json")
        if path.stem.isdigit()
    ]
    return load_version(root, name, max(numbers)) if numbers else None


def load_version(root: Path, name: str, version: int) -> Manifest:
    """Read one version's manifest."""
    path = _path(root, name, version)
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return _from_plain(plain)
    except (OSError, KeyError, TypeError, ValueError) as error:
        message = f"The manifest {path} cannot be read: {error}"
        raise CatalogueError(message) from error


def load_release(root: Path, name: str, release: str) -> Manifest:
    """Read the manifest that a result pinned ("DR3+2").

    Raises
    ------
    CatalogueError
        It is not here, or is another release of the same number.
    """
    _, _, number = release.rpartition("+")
    if not number.isdigit() or not _path(root, name, int(number)).exists():
        message = f"The release {release} of {name} is not here."
        raise CatalogueError(message)
    manifest = load_version(root, name, int(number))
    if manifest.release != release:
        message = f"Version {number} of {name} is {manifest.release}, not {release}."
        raise CatalogueError(message)
    return manifest


def save(root: Path, manifest: Manifest) -> Path:
    """Write a new version; a version that is there already is never replaced."""
    path = _path(root, manifest.name, manifest.version)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    plain = {"format": FORMAT, **asdict(manifest)}
    temporary.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    try:
        os.link(temporary, path)
    except FileExistsError as error:
        message = (
            f"Another import of {manifest.name} finished first; run this one again."
        )
        raise CatalogueError(message) from error
    finally:
        temporary.unlink()
    return path


def _path(root: Path, name: str, version: int) -> Path:
    return root / name / "manifests" / f"{version:06d}.json"


def _from_plain(plain: dict[str, Any]) -> Manifest:
    if plain["format"] != FORMAT:
        message = f"its format is {plain['format']} and this program reads {FORMAT}"
        raise ValueError(message)
    return Manifest(
        name=plain["name"],
        title=plain["title"],
        catalogue_release=plain["catalogue_release"],
        version=plain["version"],
        epoch_jyear=plain["epoch_jyear"],
        bands=tuple(plain["bands"]),
        healpix_order=plain["healpix_order"],
        coverage=tuple((low, high) for low, high in plain["coverage"]),
        tiles=tuple(Tile(**tile) for tile in plain["tiles"]),
        sources=tuple(ImportedSource(**source) for source in plain["sources"]),
    )
