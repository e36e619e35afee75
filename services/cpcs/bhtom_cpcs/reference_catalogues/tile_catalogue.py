"""Cone searches in a release's tiles: the science's reference catalogue."""

import math
from collections.abc import Iterator
from pathlib import Path

import hpgeom
import numpy as np
import numpy.typing as npt

from bhtom_cpcs.reference_catalogues.bright_stars import brightest_in_cone
from bhtom_cpcs.reference_catalogues.descriptions import FLAG_NAMES
from bhtom_cpcs.reference_catalogues.manifest import (
    NOTHING_IMPORTED,
    CatalogueError,
    Manifest,
    load_current,
    load_release,
)
from bhtom_cpcs.reference_catalogues.sky_coverage import (
    COVERAGE_ORDER,
    Ranges,
    covered_count,
    is_covered,
)
from bhtom_cpcs.reference_catalogues.solver_index import open_patterns
from bhtom_cpcs.reference_catalogues.surveys import KNOWN, title_of
from bhtom_cpcs.reference_catalogues.tiles import (
    STAR_ORDER,
    OpenTile,
    open_tile,
)
from bhtom_cpcs.science.astrometry.coordinates import separation_deg
from bhtom_cpcs.science.reference import (
    BrightStars,
    FloatArray,
    NoCoverage,
    ReferenceStars,
    SkyPatterns,
)

# Below this share of a cone the calibration waits for more tiles; a square frame
# fills 0.64 of the circle about it.
MINIMUM_COVERED = 0.6
_MOST_MISSING_PIXELS = 4096
_FINEST_SEARCH_ORDER = 16  # pixels of 3 arcsec


class TileCatalogue:
    """A release of a catalogue stored as tiles; answers cones without a server."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder = folder
        self._manifest = manifest
        self._tiles = {tile.pixel: tile for tile in manifest.tiles}
        self._open: dict[int, OpenTile] = {}

    @property
    def name(self) -> str:
        """Survey part of the bands' names."""
        return self._manifest.name

    @property
    def title(self) -> str:
        """Name for people."""
        return self._manifest.title

    @property
    def release(self) -> str:
        """Release and version that results pin."""
        return self._manifest.release

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands on offer."""
        return tuple(f"{self.name}/{band}" for band in self._manifest.bands)

    def cone(
        self, ra_deg: float, dec_deg: float, radius_deg: float
    ) -> ReferenceStars | NoCoverage:
        """Stars within the radius, or what is missing when too little is covered."""
        wanted = _cone_ranges(COVERAGE_ORDER, ra_deg, dec_deg, radius_deg)
        total = sum(high - low for low, high in wanted)
        fraction = covered_count(self._manifest.coverage, wanted) / total
        if fraction < MINIMUM_COVERED:
            order, pixels = _pixels_in_cone(ra_deg, dec_deg, radius_deg)
            coverage = self._manifest.coverage
            missing = tuple(p for p in pixels if not is_covered(coverage, order, p))
            return NoCoverage(order, missing, fraction)
        return self._stars(ra_deg, dec_deg, radius_deg, fraction)

    def brightest(
        self, ra_deg: float, dec_deg: float, radius_deg: float, count: int
    ) -> BrightStars | NoCoverage:
        """Brightest stars of whatever part of the cone is covered."""
        touched = self._touched(ra_deg, dec_deg, radius_deg)
        if not touched:
            order, pixels = _pixels_in_cone(ra_deg, dec_deg, radius_deg)
            return NoCoverage(order, pixels, 0.0)
        tiles = [self._tiles[pixel] for pixel in touched]
        cone = (ra_deg, dec_deg, radius_deg)
        return brightest_in_cone(self._folder, self._manifest, tiles, cone, count)

    def sky_patterns(self) -> Iterator[SkyPatterns]:
        """Patterns of all bright stars, where they were made of this version."""
        return open_patterns(self._folder, self._manifest)

    def _touched(self, ra: float, dec: float, radius: float) -> list[int]:
        """Pixels of the tiles that reach into a cone."""
        order = self._manifest.healpix_order
        return [
            pixel
            for low, high in _cone_ranges(order, ra, dec, radius, inclusive=True)
            for pixel in range(low, high)
            if pixel in self._tiles
        ]

    def _stars(
        self, ra: float, dec: float, radius: float, fraction: float
    ) -> ReferenceStars:
        touched = self._touched(ra, dec, radius)
        search_order = _search_order(radius)
        ranges = _cone_ranges(search_order, ra, dec, radius, inclusive=True)
        picked = []
        for pixel in touched:
            tile = self._open_tile(pixel)
            picked.append(
                (tile, _rows_in_cone(tile, search_order, ranges, (ra, dec, radius)))
            )
        hashes = tuple(sorted(self._tiles[pixel].sha256 for pixel in touched))
        return _reference_stars(self._manifest, picked, hashes, fraction)

    def _open_tile(self, pixel: int) -> OpenTile:
        if pixel not in self._open:
            self._open[pixel] = open_tile(self._folder, self._tiles[pixel])
        return self._open[pixel]


class EmptyCatalogue:
    """A catalogue of which nothing is stored yet: every cone waits for its tiles."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.title = title_of(name)
        self.release = NOTHING_IMPORTED
        known = KNOWN[name].bands if name in KNOWN else ()
        self.bands = tuple(f"{name}/{band}" for band in known)

    def cone(self, ra_deg: float, dec_deg: float, radius_deg: float) -> NoCoverage:
        """Say that all of the cone is missing."""
        order, pixels = _pixels_in_cone(ra_deg, dec_deg, radius_deg)
        return NoCoverage(order, pixels, 0.0)

    def brightest(
        self,
        ra_deg: float,
        dec_deg: float,
        radius_deg: float,
        count: int,  # noqa: ARG002 - as every catalogue has it
    ) -> NoCoverage:
        """Say that all of the cone is missing."""
        return self.cone(ra_deg, dec_deg, radius_deg)

    def sky_patterns(self) -> Iterator[SkyPatterns]:
        """Of no stars there are no patterns."""
        return iter(())


def open_release(
    root: Path, name: str, release: str | None = None
) -> TileCatalogue | EmptyCatalogue:
    """Open one catalogue below `root`: the newest version, or the one of a release.

    Raises
    ------
    CatalogueError
        The name is none, or the release is not here.
    """
    if not name or name != Path(name).name or name.startswith("."):
        message = f"'{name}' is not the name of a catalogue."
        raise CatalogueError(message)
    if release == NOTHING_IMPORTED:
        return EmptyCatalogue(name)
    manifest = (
        load_current(root, name)
        if release is None
        else load_release(root, name, release)
    )
    return (
        EmptyCatalogue(name)
        if manifest is None
        else TileCatalogue(root / name, manifest)
    )


def _pixels_in_cone(
    ra: float, dec: float, radius: float
) -> tuple[int, tuple[int, ...]]:
    """Pixels of a cone, of the finest order at which they are not too many."""
    for order in range(COVERAGE_ORDER, 0, -1):
        ranges = _cone_ranges(order, ra, dec, radius)
        if sum(high - low for low, high in ranges) <= _MOST_MISSING_PIXELS:
            break
    return order, tuple(pixel for low, high in ranges for pixel in range(low, high))


def _cone_ranges(
    order: int, ra: float, dec: float, radius: float, *, inclusive: bool = False
) -> Ranges:
    """Ranges of pixels whose centres (or any part) lie in a cone, never empty."""
    found = hpgeom.query_circle(
        2**order, ra, dec, radius, inclusive=inclusive, return_pixel_ranges=True
    )
    if not len(found):
        found = hpgeom.query_circle(
            2**order, ra, dec, radius, inclusive=True, return_pixel_ranges=True
        )
    return tuple((int(low), int(high)) for low, high in found)


def _search_order(radius_deg: float) -> int:
    """The order whose pixels bound the rows that are looked at.

    Some thirty pixels across the cone: few ranges, and few rows beyond its edge.
    """
    order = math.log2(58.6 * 15 / radius_deg)  # a pixel of order 0 is 58.6 deg wide
    return min(max(round(order), 4), _FINEST_SEARCH_ORDER)


def _rows_in_cone(
    tile: OpenTile, search_order: int, ranges: Ranges, cone: tuple[float, float, float]
) -> npt.NDArray[np.intp]:
    """Rows of a tile within a cone, found along the sorted HEALPix column."""
    ra, dec, radius = cone
    shift = 2 * (STAR_ORDER - search_order)
    bounds = np.array(ranges, dtype=np.int64) << shift
    first = np.searchsorted(tile.healpix29, bounds[:, 0])
    count = np.searchsorted(tile.healpix29, bounds[:, 1]) - first
    # the rows first, first + 1, ... of every range, without a loop over ranges
    start = np.repeat(first - np.cumsum(count) + count, count)
    rows: npt.NDArray[np.intp] = np.arange(count.sum()) + start
    distance = separation_deg(
        tile.column("ra_deg", rows), tile.column("dec_deg", rows), ra, dec
    )
    return rows[distance <= radius]


def _reference_stars(
    manifest: Manifest,
    picked: list[tuple[OpenTile, npt.NDArray[np.intp]]],
    hashes: tuple[str, ...],
    fraction: float,
) -> ReferenceStars:
    """Gather the picked rows of all tiles into one table."""

    def gather(column: str) -> FloatArray:
        parts = [tile.column(column, rows) for tile, rows in picked]
        return np.concatenate(parts) if parts else np.zeros(0)

    magnitude, error, verified = {}, {}, {}
    for band in manifest.bands:
        passband = f"{manifest.name}/{band}"
        magnitude[passband] = gather(f"mag_{band}")
        error[passband] = gather(f"error_{band}")
        flag = gather(f"verified_{band}")
        verified[passband] = np.isnan(flag) | (flag != 0)
    return ReferenceStars(
        ra_deg=gather("ra_deg"),
        dec_deg=gather("dec_deg"),
        epoch_jyear=manifest.epoch_jyear,
        pm_ra_masyr=np.nan_to_num(gather("pm_ra_masyr")),
        pm_dec_masyr=np.nan_to_num(gather("pm_dec_masyr")),
        magnitude=magnitude,
        error=error,
        verified=verified,
        tile_hashes=hashes,
        covered_fraction=fraction,
        **{flag: _flag(picked, flag) for flag in FLAG_NAMES},
    )


def _flag(
    picked: list[tuple[OpenTile, npt.NDArray[np.intp]]], name: str
) -> npt.NDArray[np.bool_] | None:
    """A flag of the stars, None where no tile says anything of it."""
    if not any(name in tile.names for tile, _ in picked):
        return None
    parts = [tile.column(name, rows) == 1 for tile, rows in picked]
    return np.concatenate(parts)
