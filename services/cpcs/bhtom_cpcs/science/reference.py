"""What the science needs of a reference catalogue, whoever stores it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ReferenceStars:
    """Reference stars of a cone, one element a star; NaN where unknown.

    Attributes
    ----------
    ra_deg, dec_deg : ICRS position at `epoch_jyear` [deg]
    pm_ra_masyr, pm_dec_masyr : proper motion, zero where unknown [mas/yr]
    magnitude, error : per band (e.g. "GaiaSP/r"), AB or the band's own system [mag]
    verified : per band, False where the catalogue itself doubts the value
    tile_hashes : sha256 of every tile read, sorted
    covered_fraction : share of the cone that the catalogue covers
    variable : the catalogue knows the star as variable; None where it says of no star
    blended : its light is mixed with a neighbour's; None as above
    duplicated : the catalogue doubts that it is one source; None as above
    extended : not a star; None as above
    """

    ra_deg: FloatArray
    dec_deg: FloatArray
    epoch_jyear: float
    pm_ra_masyr: FloatArray
    pm_dec_masyr: FloatArray
    magnitude: Mapping[str, FloatArray]
    error: Mapping[str, FloatArray]
    verified: Mapping[str, BoolArray]
    tile_hashes: tuple[str, ...]
    covered_fraction: float = 1.0
    variable: BoolArray | None = None
    blended: BoolArray | None = None
    duplicated: BoolArray | None = None
    extended: BoolArray | None = None

    def __len__(self) -> int:
        """Count the stars."""
        return len(self.ra_deg)


@dataclass(frozen=True, slots=True)
class NoCoverage:
    """The catalogue does not hold (all of) the asked cone.

    `missing_pixels` are the nested HEALPix pixels of order `healpix_order` that would
    have to be imported: what a waiting calibration waits for.
    """

    healpix_order: int
    missing_pixels: tuple[int, ...]
    covered_fraction: float


@dataclass(frozen=True, slots=True)
class BrightStars:
    """The brightest stars of a cone, brightest first: positions alone.

    Positions are ICRS at `epoch_jyear` [deg], proper motions [mas/yr], zero where
    unknown.
    """

    ra_deg: FloatArray
    dec_deg: FloatArray
    epoch_jyear: float
    pm_ra_masyr: FloatArray
    pm_dec_masyr: FloatArray


# Of these bands the first that a star has tells how bright it is in any frame.
_BROAD_BANDS = ("G", "r", "R", "V", "g", "i", "I")


def brightness_of(magnitude: Mapping[str, FloatArray]) -> FloatArray:
    """One magnitude for every star, of the first broad band it has; else infinite.

    Orders stars alike whatever bands beside the broad ones a catalogue offers.
    """
    names = {band.rpartition("/")[2]: band for band in magnitude}
    order = [names[band] for band in _BROAD_BANDS if band in names]
    order += [band for band in magnitude if band not in order]
    found = np.full(len(magnitude[order[0]]), np.nan)
    for band in order:
        found = np.where(np.isfinite(found), found, magnitude[band])
    known: FloatArray = np.where(np.isfinite(found), found, np.inf)
    return known


@dataclass(frozen=True, slots=True)
class SkyPatterns:
    """Patterns of four neighbouring bright stars all over a catalogue, for one size.

    They serve fields of about `field_deg`. Arrays may be mapped from files; see
    `astrometry.star_patterns` for what `cells`, `stars`, `code` and `size` are.

    Attributes
    ----------
    directions : unit vectors of the stars, ICRS, shape (n_stars, 3)
    stars : rows of `directions`, shape (n, 4)
    size : length of a pattern's widest pair [arcsec], shape (n,)
    """

    field_deg: float
    directions: npt.NDArray[np.float32]
    cells: npt.NDArray[np.uint32]
    stars: npt.NDArray[np.int32]
    code: npt.NDArray[np.float32]
    size: npt.NDArray[np.float32]


class ReferenceCatalogue(Protocol):
    """A release of a reference catalogue that answers cones."""

    @property
    def name(self) -> str:
        """Short name, the survey part of its bands ("GaiaSP")."""

    @property
    def title(self) -> str:
        """Name for people ("Gaia DR3 synthetic photometry")."""

    @property
    def release(self) -> str:
        """Version of the manifest that was read, pinned on every result."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands on offer, `<name>/<band>`."""

    def cone(
        self, ra_deg: float, dec_deg: float, radius_deg: float
    ) -> ReferenceStars | NoCoverage:
        """Stars within the radius of a position, or what is missing of it."""

    def brightest(
        self, ra_deg: float, dec_deg: float, radius_deg: float, count: int
    ) -> BrightStars | NoCoverage:
        """Brightest stars of a cone, or what is missing when none of it is covered."""

    def sky_patterns(self) -> Iterator[SkyPatterns]:
        """What solves frames without a pointing, where it was made; small fields first.

        Empty where it was not: then a frame is only looked for near its pointing.
        """
