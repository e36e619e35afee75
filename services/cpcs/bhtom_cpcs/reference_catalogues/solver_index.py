"""The patterns of a catalogue's bright stars as files, for frames without a pointing.

Made for a version of the manifest as a whole, beside its tiles, and mapped into memory
by the workers. For every size of field its brightest stars are chosen alike all over
the sky: the seven brightest of each HEALPix pixel of half the field's side.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import hpgeom
import numpy as np
from scipy.spatial import cKDTree

from bhtom_cpcs.reference_catalogues.bright_stars import bright_stars
from bhtom_cpcs.reference_catalogues.manifest import Manifest
from bhtom_cpcs.reference_catalogues.tiles import FloatArray, pixels_of
from bhtom_cpcs.science.astrometry.directions import local_plane
from bhtom_cpcs.science.astrometry.star_patterns import (
    IndexArray,
    Patterns,
    make_index,
    patterns_of,
)
from bhtom_cpcs.science.reference import SkyPatterns

_FORMAT = "patterns-1"
# Orders of the pixels that the stars are chosen in: fields of 0.46 to 7.3 deg, and by
# a factor of 1.45 smaller and larger ones.
_ORDERS = (8, 7, 6, 5, 4)
_STARS_PER_PIXEL = 7
_NEIGHBOURS = 6
_CHUNK = 50_000
_ARRAYS = ("directions", "cells", "stars", "code", "size")


def open_patterns(folder: Path, manifest: Manifest) -> Iterator[SkyPatterns]:
    """Map the patterns of a manifest's tiles; none where they were not made."""
    for order in _ORDERS:
        path = _path(folder, manifest) / str(order)
        if path.is_dir():
            arrays = {
                name: np.load(path / f"{name}.npy", mmap_mode="r") for name in _ARRAYS
            }
            yield SkyPatterns(field_deg=_field_deg(order), **arrays)


def make_patterns(folder: Path, manifest: Manifest) -> int:
    """Make the patterns of a manifest's tiles, unless there; return how many it has.

    Those of older versions stay, so that results that pin them can be made again.
    """
    target = _path(folder, manifest)
    if not target.is_dir():
        temporary = target.with_name(f".{os.getpid()}.{target.name}")
        shutil.rmtree(temporary, ignore_errors=True)
        for order in _ORDERS:
            _write(temporary / str(order), _patterns(folder, manifest, order))
        temporary.rename(target)
    return sum(len(found.cells) for found in open_patterns(folder, manifest))


def _path(folder: Path, manifest: Manifest) -> Path:
    content = [_FORMAT, *(tile.sha256 for tile in manifest.tiles)]
    digest = hashlib.sha256(" ".join(content).encode()).hexdigest()
    return folder / "patterns" / digest


def _field_deg(order: int) -> float:
    """Two pixels side by side."""
    return 2 * float(np.degrees(np.sqrt(4 * np.pi / (12 * 4**order))))


def _write(folder: Path, found: SkyPatterns) -> None:
    folder.mkdir(parents=True)
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", getattr(found, name))


def _patterns(folder: Path, manifest: Manifest, order: int) -> SkyPatterns:
    """Choose an order's stars and sort the patterns they make with their neighbours."""
    directions = _chosen(folder, manifest, order)
    parts = list(_in_chunks(directions))
    found = Patterns(
        np.concatenate([np.zeros((0, 4), np.int64), *(part.stars for part in parts)]),
        np.concatenate([np.zeros((0, 4)), *(part.code for part in parts)]),
        np.concatenate([np.zeros(0), *(part.size for part in parts)]),
    )
    index = make_index(found)
    return SkyPatterns(
        field_deg=_field_deg(order),
        directions=directions.astype(np.float32),
        cells=index.cells,
        stars=index.stars.astype(np.int32),
        code=index.code.astype(np.float32),
        size=index.size.astype(np.float32),
    )


def _chosen(folder: Path, manifest: Manifest, order: int) -> FloatArray:
    """Unit vectors of the brightest stars of every pixel, at the catalogue's epoch."""
    kept = []
    for tile in manifest.tiles:
        stars = bright_stars(folder, manifest, tile)
        pixel = pixels_of(order, stars[0], stars[1])
        sort = np.argsort(pixel, kind="stable")  # keeps the brightest first
        first = np.searchsorted(pixel[sort], pixel[sort], side="left")
        best = sort[np.arange(len(sort)) - first < _STARS_PER_PIXEL]
        kept.append(np.array(stars[:, best]))
    stars = np.concatenate(kept, axis=1) if kept else np.zeros((5, 0))
    if order < manifest.healpix_order:
        pixel = pixels_of(order, stars[0], stars[1])
        sort = np.lexsort((stars[4], pixel))
        first = np.searchsorted(pixel[sort], pixel[sort], side="left")
        stars = stars[:, sort[np.arange(len(sort)) - first < _STARS_PER_PIXEL]]
    directions: FloatArray = hpgeom.angle_to_vector(stars[0], stars[1])
    return directions


def _in_chunks(directions: FloatArray) -> Iterator[Patterns]:
    """Each star with every three of its neighbours of which it is the first."""
    if len(directions) <= _NEIGHBOURS:
        return
    tree = cKDTree(directions)
    threes = np.array(list(combinations(range(1, _NEIGHBOURS + 1), 3)))
    for start in range(0, len(directions), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(directions)))
        _, near = tree.query(directions[rows], k=_NEIGHBOURS + 1)
        fours = np.empty((len(rows), len(threes), 4), dtype=np.int64)
        fours[:, :, 0] = rows[:, None]
        fours[:, :, 1:] = near[:, threes]
        flat = np.sort(fours.reshape(-1, 4), axis=1)
        own = np.repeat(rows, len(threes))
        yield _measured(directions, flat[flat[:, 0] == own])


def _measured(directions: FloatArray, fours: IndexArray) -> Patterns:
    """Measure patterns, each in the tangent plane about its first star [arcsec]."""
    local = local_plane(directions[fours]).reshape(-1)
    found = patterns_of(local, np.arange(len(local)).reshape(-1, 4))
    return Patterns(fours.reshape(-1)[found.stars], found.code, found.size)
