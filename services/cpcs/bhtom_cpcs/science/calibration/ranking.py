"""Which passbands the stars show: all offered bands ranked on the same stars."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.zero_point_fit import (
    FEWEST_STARS,
    ZeroPointFit,
    fit_zero_point,
)

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# A band takes part unless more than this share of the common stars would be lost.
_SHARE_KEPT = 0.6
_TIE_PROBABILITY = 0.95
_RESAMPLES = 200
_STARS_RESAMPLED = 400


@dataclass(frozen=True, slots=True)
class BandStars:
    """Pairs of one band over all matched stars; NaN where a star cannot be used."""

    difference: FloatArray
    error: FloatArray
    unverified_used: bool = False

    @property
    def usable(self) -> BoolArray:
        """Stars with a usable value."""
        return np.isfinite(self.difference)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The offered bands on their common stars, whatever the request allows.

    `fits` holds the ranked bands only; `counts` the usable stars of every band.
    """

    stars: Mapping[str, BandStars]
    counts: Mapping[str, int]
    common: BoolArray
    fits: Mapping[str, ZeroPointFit]

    @property
    def ranked(self) -> tuple[str, ...]:
        """The bands that were ranked, in the order they were offered."""
        return tuple(self.fits)

    def least(self, bands: Sequence[str]) -> str | None:
        """Ranked band of the least intrinsic scatter, the first among equals."""
        ranked = [band for band in bands if band in self.fits]
        if not ranked:
            return None
        return min(ranked, key=lambda band: self.fits[band].intrinsic_variance)

    def ties(self, bands: Sequence[str]) -> tuple[str, ...]:
        """Those of the bands that the stars do not tell from their best, it first."""
        best = self.least(bands)
        if best is None:
            return ()
        ranked = [band for band in bands if band in self.fits]
        variances = _resampled_variances(self, ranked)
        tied = [
            band
            for band in ranked
            if np.mean(variances[band] > variances[best]) < _TIE_PROBABILITY
        ]
        tied.sort(key=lambda band: self.fits[band].intrinsic_variance)
        return (best, *(band for band in tied if band != best))


def rank_bands(stars: Mapping[str, BandStars]) -> Ranking:
    """Fit every band that enough stars have, all of them on the same stars.

    Ranks by robust scatter about a constant zero point, without a colour term and
    with the pairs' own errors subtracted: after fitting a colour term the right band
    was found only 26-53 % of the time, without it 92-98 %. A band that few stars have
    would leave too few common ones, and is not ranked.

    Parameters
    ----------
    stars : mapping of band to its pairs, all of the same matched stars in one order
    """
    counts = {band: int(pairs.usable.sum()) for band, pairs in stars.items()}
    bands = [band for band in stars if counts[band] >= FEWEST_STARS]
    common = _common(stars, bands)
    while len(bands) > 1:
        without = {
            band: _common(stars, [b for b in bands if b != band]) for band in bands
        }
        # the last offered among equals goes first
        dearest = max(reversed(bands), key=lambda band: int(without[band].sum()))
        kept = int(common.sum())
        if kept >= max(FEWEST_STARS, _SHARE_KEPT * int(without[dearest].sum())):
            break
        bands.remove(dearest)
        common = without[dearest]
    if int(common.sum()) < FEWEST_STARS:
        bands = []
    fits = {
        band: fit_zero_point(stars[band].difference[common], stars[band].error[common])
        for band in bands
    }
    return Ranking(stars, counts, common, fits)


def _common(stars: Mapping[str, BandStars], bands: Sequence[str]) -> BoolArray:
    """Stars that every one of the bands can use."""
    if not bands:
        return np.zeros(1, dtype=bool)
    common = stars[bands[0]].usable
    for band in bands[1:]:
        common = common & stars[band].usable
    return common


def _resampled_variances(
    ranking: Ranking, bands: Sequence[str]
) -> dict[str, FloatArray]:
    """Intrinsic variance of each band in the same resamples of the stars [mag^2].

    One step from the fitted value, instead of a search in every resample. The draws
    follow from the stars themselves: the same frame ranks the same, and whatever the
    request allows.
    """
    index = np.flatnonzero(ranking.common)
    index = index[:: -(-len(index) // _STARS_RESAMPLED)]
    seed = 0
    for band in ranking.ranked:
        seed = zlib.crc32(ranking.stars[band].difference[index].tobytes(), seed)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(index), (_RESAMPLES, len(index)))
    variances = {}
    for band in bands:
        fit, pairs = ranking.fits[band], ranking.stars[band]
        square = (pairs.difference[index] - fit.value) ** 2
        own = pairs.error[index] ** 2
        extra = max(fit.intrinsic_variance, 0.0)
        ratio = 1.4826**2 * np.median((square / (own + extra))[draws], axis=1)
        variances[band] = extra + (ratio - 1) * (np.median(own) + extra)
    return variances
