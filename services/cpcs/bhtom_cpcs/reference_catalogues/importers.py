"""Imports slices into a catalogue: new tiles, a new version of its manifest."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import hpgeom
import numpy as np

from bhtom_cpcs.reference_catalogues.descriptions import CatalogueDescription
from bhtom_cpcs.reference_catalogues.layouts import recognised
from bhtom_cpcs.reference_catalogues.manifest import (
    CatalogueError,
    ImportedSource,
    Manifest,
    Tile,
    load_current,
    save,
)
from bhtom_cpcs.reference_catalogues.sky_coverage import (
    COVERAGE_ORDER,
    Ranges,
    joined,
)
from bhtom_cpcs.reference_catalogues.slices import bands_of, read_slice
from bhtom_cpcs.reference_catalogues.surveys import GAIA_SYNTHETIC
from bhtom_cpcs.reference_catalogues.table_files import read_table
from bhtom_cpcs.reference_catalogues.tile_files import (
    Columns,
    file_sha256,
    merged,
    read_stars,
    write_tile,
)
from bhtom_cpcs.reference_catalogues.tiles import pixels_of
from bhtom_cpcs.science.astrometry.coordinates import separation_deg

__all__ = [
    "GAIA_SYNTHETIC",
    "CatalogueDescription",
    "Cone",
    "WholeTiles",
    "import_slice",
    "recognised_file",
]

TILE_ORDER = 5


@dataclass(frozen=True, slots=True)
class Cone:
    """A disc in which the slice holds every star of the catalogue [deg]."""

    ra_deg: float
    dec_deg: float
    radius_deg: float

    def __str__(self) -> str:
        """Write the disc for the manifest."""
        return f"cone {self.ra_deg:.5f} {self.dec_deg:+.5f} {self.radius_deg:.5f} deg"


@dataclass(frozen=True, slots=True)
class WholeTiles:
    """Every tile of the slice is complete."""

    def __str__(self) -> str:
        """Write the footprint for the manifest."""
        return "whole tiles"


def recognised_file(source: Path) -> CatalogueDescription:
    """The known catalogue that a file is from, by its columns.

    Raises
    ------
    CatalogueError
        None or several have such columns.
    """
    return recognised(read_table(source), source.name)


def import_slice(
    root: Path,
    source: Path,
    footprint: Cone | WholeTiles,
    description: CatalogueDescription = GAIA_SYNTHETIC,
) -> Manifest:
    """Add a file's stars to the catalogue below `root` and return its manifest.

    Tiles that gain stars or change become new files beside the old ones, so that an
    older release stays readable. Importing the same file again changes nothing.
    """
    stars = read_slice(source, description)
    _check_footprint(source, footprint, stars)
    current = load_current(root, description.name)
    if current is not None and current.epoch_jyear != description.epoch_jyear:
        message = (
            f"{description.name} holds positions of {current.epoch_jyear} and this "
            f"slice of {description.epoch_jyear}; import it under another name."
        )
        raise CatalogueError(message)
    folder = root / description.name
    order = TILE_ORDER if current is None else current.healpix_order
    tiles = {tile.pixel: tile for tile in current.tiles} if current else {}
    changed = _write_tiles(folder, tiles, stars, order)
    coverage = joined(
        (*(current.coverage if current else ()), *_covered(footprint, stars, order))
    )
    digest = file_sha256(source)
    before = current.sources if current else ()
    known = any(done.sha256 == digest for done in before)
    if current is not None and known and not changed and coverage == current.coverage:
        return current
    imported = ImportedSource(
        source.name, digest, len(stars["ra_deg"]), description.credit, str(footprint)
    )
    bands = dict.fromkeys((*(current.bands if current else ()), *bands_of(stars)))
    manifest = Manifest(
        name=description.name,
        title=description.title if current is None else current.title,
        catalogue_release=description.catalogue_release,
        version=1 if current is None else current.version + 1,
        epoch_jyear=description.epoch_jyear,
        bands=_sorted_bands(description, tuple(bands)),
        healpix_order=order,
        coverage=coverage,
        tiles=tuple(tile for _, tile in sorted((tiles | changed).items())),
        sources=(*before, imported),
    )
    save(root, manifest)
    return manifest


def _write_tiles(
    folder: Path, tiles: Mapping[int, Tile], stars: Columns, order: int
) -> dict[int, Tile]:
    """Write the tiles the stars fall into; return those that are not as before."""
    changed = {}
    pixels = pixels_of(order, stars["ra_deg"], stars["dec_deg"])
    rows = np.argsort(pixels, kind="stable")
    found, first = np.unique(pixels[rows], return_index=True)
    for pixel, mine in zip(found.tolist(), np.split(rows, first[1:]), strict=True):
        part = {name: values[mine] for name, values in stars.items()}
        if pixel in tiles:
            part = merged(read_stars(folder, tiles[pixel]), part)
        tile = write_tile(folder, pixel, part)
        if tile != tiles.get(pixel):
            changed[pixel] = tile
    return changed


def _covered(footprint: Cone | WholeTiles, stars: Columns, order: int) -> Ranges:
    """Pixels of the coverage order that the footprint covers."""
    if isinstance(footprint, WholeTiles):
        shift = 2 * (COVERAGE_ORDER - order)
        pixels = np.unique(pixels_of(order, stars["ra_deg"], stars["dec_deg"])).tolist()
        return tuple((pixel << shift, (pixel + 1) << shift) for pixel in pixels)
    found = hpgeom.query_circle(
        2**COVERAGE_ORDER,
        footprint.ra_deg % 360,
        footprint.dec_deg,
        footprint.radius_deg,
        inclusive=False,
        return_pixel_ranges=True,
    )
    return tuple((int(low), int(high)) for low, high in found)


def _check_footprint(
    source: Path, footprint: Cone | WholeTiles, stars: Columns
) -> None:
    """Refuse what is no disc, or one in which the file has not one star."""
    if isinstance(footprint, WholeTiles):
        return
    if not (0 < footprint.radius_deg <= 180 and abs(footprint.dec_deg) <= 90):
        message = f"The footprint '{footprint}' is not a disc on the sky."
        raise CatalogueError(message)
    away = separation_deg(
        stars["ra_deg"], stars["dec_deg"], footprint.ra_deg, footprint.dec_deg
    )
    if float(np.min(away)) > footprint.radius_deg:
        message = (
            f"No star of {source.name} lies in its footprint, {footprint}: its first "
            f"is at {stars['ra_deg'][0]:.4f} {stars['dec_deg'][0]:+.4f} deg."
        )
        raise CatalogueError(message)


def _sorted_bands(
    description: CatalogueDescription, bands: tuple[str, ...]
) -> tuple[str, ...]:
    """Put known bands in order of wavelength, others behind by name."""
    usual = description.bands or ("u", "U", "B", "g", "V", "r", "R", "i", "I", "z")
    rank = {band: number for number, band in enumerate(usual)}
    return tuple(sorted(bands, key=lambda band: (rank.get(band, 99), band)))
