"""Several catalogues at once: the bands of one, joined to the stars of another."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import hpgeom
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from bhtom_cpcs.reference_catalogues.manifest import AND, OF
from bhtom_cpcs.reference_catalogues.tile_catalogue import TileCatalogue
from bhtom_cpcs.science.astrometry.proper_motion import at_epoch
from bhtom_cpcs.science.reference import (
    BoolArray,
    BrightStars,
    FloatArray,
    NoCoverage,
    ReferenceStars,
    SkyPatterns,
)

_SAME_STAR_ARCSEC: Final = 0.3


class CombinedCatalogue:
    """A catalogue whose stars also carry bands of others that cover the field.

    The stars and their positions are the first catalogue's alone, so that neither the
    bands on offer nor another catalogue's tiles ever change which stars are matched.
    """

    def __init__(
        self, first: TileCatalogue, companions: tuple[TileCatalogue, ...]
    ) -> None:
        self._first = first
        self._companions = companions
        self.name = first.name
        self.title = first.title

    @property
    def release(self) -> str:
        """All releases, as results pin them: "DR3+2;GaiaDR3=DR3+1"."""
        others = (f"{c.name}{OF}{c.release}" for c in self._companions)
        return AND.join((self._first.release, *others))

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands on offer, the first catalogue's before the others'."""
        return tuple(b for c in (self._first, *self._companions) for b in c.bands)

    def cone(
        self, ra_deg: float, dec_deg: float, radius_deg: float
    ) -> ReferenceStars | NoCoverage:
        """The first catalogue's stars; what is missing of it alone is waited for."""
        stars = self._first.cone(ra_deg, dec_deg, radius_deg)
        if isinstance(stars, NoCoverage):
            return stars
        for companion in self._companions:
            found = companion.cone(ra_deg, dec_deg, radius_deg)
            if (
                isinstance(found, NoCoverage)
                or found.covered_fraction < stars.covered_fraction
            ):
                stars = _without(stars, companion.bands)
            else:
                stars = _joined(stars, found)
        return stars

    def brightest(
        self, ra_deg: float, dec_deg: float, radius_deg: float, count: int
    ) -> BrightStars | NoCoverage:
        """The first catalogue's brightest stars of a cone."""
        return self._first.brightest(ra_deg, dec_deg, radius_deg, count)

    def sky_patterns(self) -> Iterator[SkyPatterns]:
        """Those of the first catalogue."""
        return self._first.sky_patterns()


def _without(stars: ReferenceStars, bands: tuple[str, ...]) -> ReferenceStars:
    """Offer the bands of a catalogue that does not cover the field, all unknown."""
    unknown = np.full(len(stars), np.nan)
    trusted = np.ones(len(stars), dtype=bool)
    return replace(
        stars,
        magnitude={**stars.magnitude, **dict.fromkeys(bands, unknown)},
        error={**stars.error, **dict.fromkeys(bands, unknown)},
        verified={**stars.verified, **dict.fromkeys(bands, trusted)},
    )


def _joined(stars: ReferenceStars, other: ReferenceStars) -> ReferenceStars:
    """Give stars the bands and flags of the same stars in another catalogue."""
    row = _same_star(stars, other)
    found = row >= 0

    def values(column: FloatArray) -> FloatArray:
        result: FloatArray = np.full(len(stars), np.nan)
        result[found] = column[row[found]]
        return result

    def flag(own: BoolArray | None, theirs: BoolArray | None) -> BoolArray | None:
        if theirs is None:
            return own
        result = np.zeros(len(stars), dtype=bool) if own is None else own.copy()
        result[found] |= theirs[row[found]]
        return result

    verified = {
        band: ~found | trusted[np.maximum(row, 0)] if len(other) else ~found
        for band, trusted in other.verified.items()
    }
    return replace(
        stars,
        magnitude={
            **stars.magnitude,
            **{band: values(column) for band, column in other.magnitude.items()},
        },
        error={
            **stars.error,
            **{band: values(column) for band, column in other.error.items()},
        },
        verified={**stars.verified, **verified},
        tile_hashes=tuple(sorted({*stars.tile_hashes, *other.tile_hashes})),
        variable=flag(stars.variable, other.variable),
        blended=flag(stars.blended, other.blended),
        duplicated=flag(stars.duplicated, other.duplicated),
        extended=flag(stars.extended, other.extended),
    )


def _same_star(stars: ReferenceStars, other: ReferenceStars) -> npt.NDArray[np.intp]:
    """Row of each star in another catalogue, -1 where it has none within 0.3 arcsec.

    Nearest first, and no star twice: of two stars near one, the farther gets none.
    """
    row = np.full(len(stars), -1, dtype=np.intp)
    if not len(stars) or not len(other):
        return row
    ra, dec = at_epoch(
        other.ra_deg,
        other.dec_deg,
        (other.pm_ra_masyr, other.pm_dec_masyr),
        stars.epoch_jyear - other.epoch_jyear,
    )
    chord = 2 * np.sin(np.radians(_SAME_STAR_ARCSEC / 3600) / 2)
    tree = cKDTree(hpgeom.angle_to_vector(ra, np.clip(dec, -90, 90)))
    distance, nearest = tree.query(
        hpgeom.angle_to_vector(stars.ra_deg, stars.dec_deg), distance_upper_bound=chord
    )
    order = np.argsort(distance, kind="stable")
    order = order[np.isfinite(distance[order])]
    _, first = np.unique(nearest[order], return_index=True)
    row[order[first]] = nearest[order[first]]
    return row
