"""Tiles as files: immutable Parquet to hand on, and the columns derived from it."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import hpgeom
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.spatial import cKDTree

from bhtom_cpcs.reference_catalogues.manifest import CatalogueError, Tile
from bhtom_cpcs.reference_catalogues.tiles import (
    STAR_ORDER,
    FloatArray,
    columns_path,
    pixels_of,
)

Columns = dict[str, FloatArray]

_SAME_STAR_ARCSEC = 0.3


def write_tile(folder: Path, pixel: int, columns: Columns) -> Tile:
    """Write a tile's stars and its derived columns; the same stars give one file."""
    healpix = pixels_of(STAR_ORDER, columns["ra_deg"], columns["dec_deg"])
    order = np.argsort(healpix, kind="stable")
    table = pa.table(
        {name: pa.array(values[order]) for name, values in columns.items()}
    )
    tiles = folder / "tiles"
    tiles.mkdir(parents=True, exist_ok=True)
    temporary = tiles / f".{os.getpid()}.{pixel}.tmp"
    pq.write_table(table, temporary, compression="zstd")
    digest = file_sha256(temporary)
    temporary.replace(parquet_path(folder, digest))
    derive_columns(folder, digest)
    return Tile(pixel, digest, len(order))


def read_stars(folder: Path, tile: Tile) -> Columns:
    """Read a whole tile from its Parquet file."""
    table = pq.read_table(parquet_path(folder, tile.sha256))
    return {name: table[name].to_numpy().astype(float) for name in table.column_names}


def parquet_path(folder: Path, sha256: str) -> Path:
    """Where a tile's Parquet file is."""
    return folder / "tiles" / f"{sha256}.parquet"


def derive_columns(folder: Path, sha256: str) -> Path:
    """Make a tile's memory-mappable columns from its Parquet file, verified."""
    target = columns_path(folder, sha256)
    if target.is_dir():
        return target
    source = parquet_path(folder, sha256)
    if not source.exists() or file_sha256(source) != sha256:
        message = (
            f"The tile {source.name} is missing or damaged; copy it again from "
            "where the release came from, or import its source again."
        )
        raise CatalogueError(message)
    table = pq.read_table(source)
    names = table.column_names
    values = np.stack([table[name].to_numpy().astype(float) for name in names])
    healpix = pixels_of(
        STAR_ORDER, values[names.index("ra_deg")], values[names.index("dec_deg")]
    )
    temporary = folder / "columns" / f".{os.getpid()}.{sha256}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    np.save(temporary / "healpix29.npy", healpix)
    np.save(temporary / "values.npy", values)
    (temporary / "names.json").write_text(json.dumps(names), encoding="utf-8")
    try:
        temporary.rename(target)
    except OSError:
        # another process was faster; the content is the same
        shutil.rmtree(temporary, ignore_errors=True)
        if not target.is_dir():
            raise
    return target


def merged(old: Columns, new: Columns) -> Columns:
    """Put new stars into a tile; a star within 0.3 arcsec of a new one gives way."""
    names = list(dict.fromkeys((*old, *new)))
    keep = ~_near_any(old, new)
    count = len(new["ra_deg"])
    return {
        name: np.concatenate(
            [
                old.get(name, np.full(len(keep), np.nan))[keep],
                new.get(name, np.full(count, np.nan)),
            ]
        )
        for name in names
    }


def _near_any(old: Columns, new: Columns) -> npt.NDArray[np.bool_]:
    """Say which old stars lie at a new one's place."""
    if not len(old["ra_deg"]) or not len(new["ra_deg"]):
        return np.zeros(len(old["ra_deg"]), dtype=bool)
    chord = 2 * np.sin(np.radians(_SAME_STAR_ARCSEC / 3600) / 2)
    distance, _ = cKDTree(_vectors(new)).query(
        _vectors(old), distance_upper_bound=chord
    )
    near: npt.NDArray[np.bool_] = np.isfinite(distance)
    return near


def _vectors(columns: Columns) -> FloatArray:
    vectors: FloatArray = hpgeom.angle_to_vector(columns["ra_deg"], columns["dec_deg"])
    return vectors


def file_sha256(path: Path) -> str:
    """Hash a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(folder: Path, tiles: tuple[Tile, ...]) -> list[str]:
    """Check every tile's file against its hash; return a sentence per damaged one."""
    problems = []
    for tile in tiles:
        path = parquet_path(folder, tile.sha256)
        if not path.exists():
            problems.append(f"Tile {tile.pixel}: {path.name} is missing.")
        elif file_sha256(path) != tile.sha256:
            problems.append(f"Tile {tile.pixel}: {path.name} is damaged.")
    return problems
