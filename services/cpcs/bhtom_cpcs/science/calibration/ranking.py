"""Which passbands the stars show: all offered bands ranked on the same stars."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.robust_regression import MAD_TO_SIGMA
from bhtom_cpcs.science.calibration.star_likelihoods import log_likelihoods
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

    def ties(self, bands: Sequence[str]) -> tuple[str, ...]:
        """Those of the bands that the stars do not tell from their best, it first.

        By robust scatter first, which stands nearly half of the stars being wrong but
        needs many of them to tell r from R; then, among the tied ones, by the
        likelihood of all stars, some of which are wrong, one does not know which.
        """
        ranked = [band for band in bands if band in self.fits]
        if len(ranked) > 1:
            ranked = _not_told_apart(_robust_variances(self, ranked))
        if len(ranked) > 1:
            ranked = _not_told_apart(_unlikelihoods(self, ranked))
        return tuple(ranked)


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


@dataclass(frozen=True, slots=True)
class _Misfits:
    """How badly the stars fit a band, and in the same resamples for all bands."""

    value: float
    resampled: FloatArray


def _not_told_apart(misfits: Mapping[str, _Misfits]) -> list[str]:
    """Bands whose misfit is not surely above the least one, by a paired bootstrap."""
    best = min(misfits, key=lambda band: misfits[band].value)
    least = misfits[best].resampled
    tied = [
        band
        for band, one in misfits.items()
        if band == best or np.mean(one.resampled > least) < _TIE_PROBABILITY
    ]
    return sorted(tied, key=lambda band: (misfits[band].value, band != best))


def _some_of(ranking: Ranking) -> npt.NDArray[np.intp]:
    """The common stars, or as many of them as are resampled."""
    index = np.flatnonzero(ranking.common)
    return index[:: -(-len(index) // _STARS_RESAMPLED)]


def _draws(ranking: Ranking, index: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
    """Resamples of the stars, drawn by a seed that follows from the stars.

    The same frame ranks the same, and whatever the request allows.
    """
    seed = 0
    for pairs in (ranking.stars[band] for band in ranking.fits):
        seed = zlib.crc32(pairs.difference[index].tobytes(), seed)
    rng = np.random.default_rng(seed)
    return rng.integers(0, len(index), (_RESAMPLES, len(index)))


def _robust_variances(ranking: Ranking, bands: Sequence[str]) -> dict[str, _Misfits]:
    """Intrinsic variance by the median, one step from the fitted one in a resample."""
    index = _some_of(ranking)
    draws = _draws(ranking, index)
    variances = {}
    for band in bands:
        fit, pairs = ranking.fits[band], ranking.stars[band]
        square = (pairs.difference[index] - fit.value) ** 2
        own = pairs.error[index] ** 2
        extra = max(fit.intrinsic_variance, 0.0)
        ratio = MAD_TO_SIGMA**2 * np.median((square / (own + extra))[draws], axis=1)
        resampled = extra + (ratio - 1) * (np.median(own) + extra)
        variances[band] = _Misfits(fit.intrinsic_variance, resampled)
    return variances


def _unlikelihoods(ranking: Ranking, bands: Sequence[str]) -> dict[str, _Misfits]:
    """Minus the mean log likelihood of a star that may be a wrong one."""
    index = _some_of(ranking)
    draws = _draws(ranking, index)
    misfits = {}
    for band in bands:
        fit, pairs = ranking.fits[band], ranking.stars[band]
        term = -log_likelihoods(
            pairs.difference[index],
            pairs.error[index],
            fit.value,
            fit.intrinsic_variance,
        )
        misfits[band] = _Misfits(float(np.mean(term)), term[draws].mean(axis=1))
    return misfits
