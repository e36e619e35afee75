"""Each tile's brightest stars in order of brightness, for solving frames.

A wide cone holds millions of stars, of which the solver wants the brightest; these
lists give them without reading the rest. A list is derived from its tile once, beside
the tile's columns, and is as immutable.
"""

import os
from pathlib import Path

import numpy as np

from bhtom_cpcs.reference_catalogues.manifest import Manifest, Tile
from bhtom_cpcs.reference_catalogues.tiles import open_tile
from bhtom_cpcs.science.astrometry.coordinates import separation_deg
from bhtom_cpcs.science.reference import BrightStars, FloatArray, brightness_of

# Some 6,000 a square degree in tiles of order 5: 40 in a field of 5 arcmin.
_MOST_STARS = 20_000
_POSITIONS = ("ra_deg", "dec_deg", "pm_ra_masyr", "pm_dec_masyr")


def brightest_in_cone(
    folder: Path,
    manifest: Manifest,
    tiles: list[Tile],
    cone: tuple[float, float, float],
    count: int,
) -> BrightStars:
    """Take the brightest stars of some tiles that lie within a cone (ra, dec, radius).

    Of each tile four times its share of the count is looked at: a crowded corner of a
    wide cone does not take all, and few of a list's stars are in a narrow one.
    """
    ra, dec, radius = cone
    tile_area = 41_253 / (12 * 4**manifest.healpix_order)
    prefix = max(int(4 * count * tile_area / (np.pi * radius**2)), 100)
    parts = [bright_stars(folder, manifest, tile)[:, :prefix] for tile in tiles]
    stars = np.concatenate(parts, axis=1)
    distance = separation_deg(stars[0], stars[1], ra, dec)
    stars = stars[:, distance <= radius]
    order = np.argsort(stars[4], kind="stable")[:count]
    picked = stars[:, order]
    return BrightStars(
        ra_deg=picked[0],
        dec_deg=picked[1],
        epoch_jyear=manifest.epoch_jyear,
        pm_ra_masyr=picked[2],
        pm_dec_masyr=picked[3],
    )


def bright_stars(folder: Path, manifest: Manifest, tile: Tile) -> FloatArray:
    """A tile's list: RA, Dec, motions, magnitude, shape (5, n), brightest first."""
    path = folder / "bright" / f"{tile.sha256}.npy"
    if not path.exists():
        _derive(path, folder, manifest, tile)
    found: FloatArray = np.load(path, mmap_mode="r")
    return found


def _derive(path: Path, folder: Path, manifest: Manifest, tile: Tile) -> None:
    stars = open_tile(folder, tile)
    rows = np.arange(len(stars.healpix29))
    magnitude = brightness_of(
        {band: stars.column(f"mag_{band}", rows) for band in manifest.bands}
    )
    order = np.argsort(magnitude, kind="stable")[:_MOST_STARS]
    order = order[np.isfinite(magnitude[order])]
    columns = [np.nan_to_num(stars.column(name, order)) for name in _POSITIONS]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    with temporary.open("wb") as file:
        np.save(file, np.stack([*columns, magnitude[order]]))
    temporary.replace(path)
