"""Which passbands the stars show: all offered bands ranked on the same stars."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.robust_regression import MAD_TO_SIGMA
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
# Stars this near to a tied band's zero point, in units of the scatter of those that
# agree, tell the tied bands apart; of 2.5, 3.5 and more this let in the fewest blends.
_AGREEING_SIGMA = 2.5
_LEAST_ERROR_MAG = 0.02


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
        needs many of them to tell r from R; then, among the tied ones, by the plain
        scatter of the stars that agree with any of them.
        """
        ranked = [band for band in bands if band in self.fits]
        if len(ranked) > 1:
            ranked = _not_told_apart(_robust_variances(self, ranked))
        if len(ranked) > 1:
            ranked = _not_told_apart(_agreeing_variances(self, ranked))
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
class _Variances:
    """Intrinsic variance of a band, and in the same resamples for all bands [mag^2]."""

    value: float
    resampled: FloatArray


def _not_told_apart(variances: Mapping[str, _Variances]) -> list[str]:
    """Bands whose variance is not surely above the least one, by a paired bootstrap."""
    best = min(variances, key=lambda band: variances[band].value)
    least = variances[best].resampled
    tied = [
        band
        for band, one in variances.items()
        if band == best or np.mean(one.resampled > least) < _TIE_PROBABILITY
    ]
    return sorted(tied, key=lambda band: (variances[band].value, band != best))


def _draws(ranking: Ranking, index: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
    """Resamples of the stars, drawn by a seed that follows from the stars.

    The same frame ranks the same, and whatever the request allows.
    """
    seed = 0
    for pairs in (ranking.stars[band] for band in ranking.fits):
        seed = zlib.crc32(pairs.difference[index].tobytes(), seed)
    rng = np.random.default_rng(seed)
    return rng.integers(0, len(index), (_RESAMPLES, len(index)))


def _robust_variances(ranking: Ranking, bands: Sequence[str]) -> dict[str, _Variances]:
    """Intrinsic variance by the median, one step from the fitted one in a resample."""
    index = np.flatnonzero(ranking.common)
    index = index[:: -(-len(index) // _STARS_RESAMPLED)]
    draws = _draws(ranking, index)
    variances = {}
    for band in bands:
        fit, pairs = ranking.fits[band], ranking.stars[band]
        square = (pairs.difference[index] - fit.value) ** 2
        own = pairs.error[index] ** 2
        extra = max(fit.intrinsic_variance, 0.0)
        ratio = MAD_TO_SIGMA**2 * np.median((square / (own + extra))[draws], axis=1)
        resampled = extra + (ratio - 1) * (np.median(own) + extra)
        variances[band] = _Variances(fit.intrinsic_variance, resampled)
    return variances


def _agreeing_variances(
    ranking: Ranking, bands: Sequence[str]
) -> dict[str, _Variances]:
    """Intrinsic variance by the weighted mean square of the stars that agree."""
    every = np.flatnonzero(ranking.common)
    residuals = {
        band: np.abs(ranking.stars[band].difference[every] - ranking.fits[band].value)
        for band in bands
    }
    scatter = min(
        MAD_TO_SIGMA * float(np.median(residuals[band][ranking.fits[band].used]))
        for band in bands
        if ranking.fits[band].used.any()
    )
    nearest = np.min([residuals[band] for band in bands], axis=0)
    index = every[nearest <= max(_AGREEING_SIGMA * scatter, 1e-9)]
    index = index[:: -(-max(len(index), 1) // _STARS_RESAMPLED)]
    if len(index) < FEWEST_STARS:
        return {
            band: _Variances(ranking.fits[band].intrinsic_variance, np.zeros(1))
            for band in bands
        }
    draws = _draws(ranking, index)
    variances = {}
    for band in bands:
        pairs = ranking.stars[band]
        difference, own = pairs.difference[index], pairs.error[index] ** 2
        weight = 1 / (own + _LEAST_ERROR_MAG**2)
        centre = float(np.sum(weight * difference) / np.sum(weight))
        term = ((difference - centre) ** 2 - own) * weight / float(np.mean(weight))
        variances[band] = _Variances(float(np.mean(term)), term[draws].mean(axis=1))
    return variances
