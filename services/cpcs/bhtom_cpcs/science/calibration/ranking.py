"""Which passband the stars show: all offered bands ranked on the same stars."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.zero_point_fit import (
    FEWEST_STARS,
    ZeroPointFit,
    fit_zero_point,
)
from bhtom_cpcs.science.results import BandFigures

FloatArray = npt.NDArray[np.float64]

# A band takes part when at least this share of the best-covered band's stars have it.
_RANKABLE_SHARE = 0.6
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
    def usable(self) -> npt.NDArray[np.bool_]:
        """Stars with a usable value."""
        return np.isfinite(self.difference)


@dataclass(frozen=True, slots=True)
class BandChoice:
    """The chosen band, the best of all offered, and the whole ranking."""

    chosen: str | None
    best: str | None
    tied: tuple[str, ...]
    figures: tuple[BandFigures, ...]


def choose_band(
    stars: Mapping[str, BandStars], allowed: tuple[str, ...], declared: str | None
) -> BandChoice:
    """Rank every offered band and choose one of the allowed.

    Ranks by robust scatter about a constant zero point, without a colour term and
    with the pairs' own errors subtracted: after fitting a colour term the right band
    was found only 26-53 % of the time, without it 92-98 %. All bands use the same
    stars, whatever the request allows, so that a narrower request never changes a
    band's numbers. Among bands that a paired bootstrap cannot tell from the best,
    the declared one (the FILTER card's) is taken.

    Parameters
    ----------
    stars : mapping of band to its pairs, all of the same matched stars
    allowed : bands that may be chosen
    declared : band of the FILTER card, or None
    """
    counts = {band: int(pairs.usable.sum()) for band, pairs in stars.items()}
    most = max(counts.values(), default=0)
    ranked = [
        band
        for band in stars
        if counts[band] >= max(FEWEST_STARS, _RANKABLE_SHARE * most)
    ]
    common = _common(stars, ranked)
    if int(common.sum()) < FEWEST_STARS:
        ranked = []
    fits = {
        band: fit_zero_point(stars[band].difference[common], stars[band].error[common])
        for band in ranked
    }
    best = _least(fits, tuple(ranked))
    candidates = tuple(band for band in ranked if band in allowed)
    chosen = _least(fits, candidates)
    tied: tuple[str, ...] = ()
    if chosen is None:
        enough = [b for b in allowed if counts.get(b, 0) >= FEWEST_STARS]
        chosen = max(enough, key=lambda b: counts[b]) if enough else None
    else:
        tied = _ties(stars, fits, common, chosen, candidates)
        if declared in tied:
            chosen = declared
    figures = tuple(
        _figures(
            band,
            fits.get(band),
            counts[band],
            int(common.sum()),
            chosen,
            best,
            tied,
            band in allowed,
            declared,
        )
        for band in stars
    )
    return BandChoice(chosen, best, tied, figures)


def _common(stars: Mapping[str, BandStars], bands: list[str]) -> npt.NDArray[np.bool_]:
    """Stars that every one of the bands can use."""
    if not bands:
        return np.zeros(1, dtype=bool)
    common = stars[bands[0]].usable
    for band in bands[1:]:
        common = common & stars[band].usable
    return common


def _least(fits: Mapping[str, ZeroPointFit], bands: tuple[str, ...]) -> str | None:
    """Band of the least intrinsic scatter; the first named one among equals."""
    if not bands:
        return None
    return min(bands, key=lambda band: fits[band].intrinsic_variance)


def _ties(
    stars: Mapping[str, BandStars],
    fits: Mapping[str, ZeroPointFit],
    common: npt.NDArray[np.bool_],
    best: str,
    candidates: tuple[str, ...],
) -> tuple[str, ...]:
    """Bands that a paired bootstrap over the stars does not tell from the best."""
    index = np.flatnonzero(common)
    index = index[:: -(-len(index) // _STARS_RESAMPLED)]
    rng = np.random.default_rng(20230817)  # fixed: the same frame ranks the same
    draws = rng.integers(0, len(index), (_RESAMPLES, len(index)))

    def variances(band: str) -> FloatArray:
        """Intrinsic variance of the band in each resample, signed [mag^2]."""
        square = (stars[band].difference[index] - fits[band].value) ** 2
        own = stars[band].error[index] ** 2
        extra = max(fits[band].intrinsic_variance, 0.0)
        # one step from the fitted value, instead of a search in every resample
        ratio = 1.4826**2 * np.median((square / (own + extra))[draws], axis=1)
        result: FloatArray = extra + (ratio - 1) * (np.median(own) + extra)
        return result

    least = variances(best)
    return tuple(
        band
        for band in candidates
        if band == best or np.mean(variances(band) > least) < _TIE_PROBABILITY
    )


def _figures(
    band: str,
    fit: ZeroPointFit | None,
    n_stars: int,
    n_common: int,
    chosen: str | None,
    best: str | None,
    tied: tuple[str, ...],
    is_allowed: bool,
    declared: str | None,
) -> BandFigures:
    if fit is None:
        reason = f"not ranked: only {n_stars} usable stars have it"
        if band == chosen:
            reason = "the requested band, too few common stars to rank it"
        return BandFigures(
            band, False, band == chosen, reason, n_stars, None, None, None, None, None
        )
    if band == chosen:
        reason = "least scatter"
        if band != best:
            reason = "the FILTER card's band, as good as the best"
            if best not in tied:
                reason = f"requested; the stars fit {best} better"
        elif len(tied) > 1:
            reason += f", not told apart from {', '.join(b for b in tied if b != band)}"
    elif not is_allowed:
        reason = "not requested"
    else:
        reason = "as good as the best" if band in tied else "more scatter"
        if band == declared and band not in tied:
            reason += ", although the FILTER card names it"
    return BandFigures(
        passband=band,
        ranked=True,
        chosen=band == chosen,
        reason=reason,
        n_stars=n_common,
        zero_point=fit.value,
        zero_point_error=fit.error,
        scatter_mag=fit.scatter,
        intrinsic_scatter_mag=float(np.sqrt(max(fit.intrinsic_variance, 0.0))),
        outlier_fraction=fit.outlier_fraction,
    )
