"""A tile's memory-mapped columns, from which cones are read."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hpgeom
import numpy as np
import numpy.typing as npt

from bhtom_cpcs.reference_catalogues.manifest import Tile

FloatArray = npt.NDArray[np.float64]

STAR_ORDER = 29  # finest HEALPix order; sorts the stars of a tile along the sky


@dataclass(frozen=True, slots=True)
class OpenTile:
    """A tile's columns mapped into memory, sorted by `healpix29`."""

    sha256: str
    healpix29: npt.NDArray[np.int64]
    names: tuple[str, ...]
    values: FloatArray  # shape (columns, rows)

    def column(self, name: str, rows: npt.NDArray[np.intp]) -> FloatArray:
        """Return some rows of a column; NaN where the tile does not have it."""
        if name not in self.names:
            return np.full(len(rows), np.nan)
        picked: FloatArray = np.asarray(self.values[self.names.index(name)][rows])
        return picked


def pixels_of(order: int, ra: FloatArray, dec: FloatArray) -> npt.NDArray[np.int64]:
    """Nested HEALPix pixel of positions [deg]."""
    pixels: npt.NDArray[np.int64] = hpgeom.angle_to_pixel(2**order, ra, dec)
    return pixels


def columns_path(folder: Path, sha256: str) -> Path:
    """Where the columns derived from a tile's Parquet file are."""
    return folder / "columns" / sha256


def open_tile(folder: Path, tile: Tile) -> OpenTile:
    """Map a tile's columns, deriving them first where they are missing."""
    path = columns_path(folder, tile.sha256)
    if not path.is_dir():
        # rarely needed, and its libraries are heavy for a worker that only reads
        from bhtom_cpcs.reference_catalogues.tile_files import derive_columns

        derive_columns(folder, tile.sha256)
    return OpenTile(
        tile.sha256,
        _mapped(path / "healpix29.npy"),
        tuple(json.loads((path / "names.json").read_text(encoding="utf-8"))),
        _mapped(path / "values.npy"),
    )


def _mapped(path: Path) -> npt.NDArray[Any]:
    """Map an array; as a plain one, since a memmap costs at every access."""
    return np.asarray(np.load(path, mmap_mode="r"))
