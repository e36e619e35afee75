"""How a catalogue's errors grow towards faint stars, and the limit that follows."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE

FloatArray = npt.NDArray[np.float64]

FEWEST_SOURCES = 10
NEAREST_SOURCES = 200
_TURNS = 30
_TUKEY_C = 4.685


@dataclass(frozen=True, slots=True)
class ErrorRelation:
    """Variance of a flux F: `sky_variance` + `slope` F, in the catalogue's own unit.

    The flux is 10^(-0.4 m) of the instrumental magnitude m.
    """

    sky_variance: float
    slope: float
    n_sources: int

    def magnitude_of_error(self, error_mag: float) -> float:
        """Return the instrumental magnitude whose error is `error_mag` [mag].

        Solves (error F / 1.0857)^2 = sky_variance + slope F for F.
        """
        share = (error_mag / MAG_PER_RELATIVE) ** 2
        half = self.slope / (2 * share)
        flux = half + math.sqrt(half**2 + self.sky_variance / share)
        return -2.5 * math.log10(flux)


def fit_error_relation(
    magnitude: FloatArray, error: FloatArray
) -> ErrorRelation | None:
    """Fit the relation to sources near a place; None when they are too few.

    Variances are compared in proportion, and re-weighted with Tukey's biweight, so
    that neither bright stars nor blends with inflated errors decide.

    Parameters
    ----------
    magnitude, error : instrumental magnitudes and their 1 sigma errors, finite,
        shape (n,) [mag]
    """
    if len(magnitude) < FEWEST_SOURCES:
        return None
    zero = float(np.median(magnitude))  # keeps the numbers near one
    flux = 10 ** (-0.4 * (magnitude - zero))
    variance = (error * flux / MAG_PER_RELATIVE) ** 2
    faint = np.argsort(flux, kind="stable")[: max(len(flux) // 4, 5)]
    sky, slope = float(np.median(variance[faint])), 0.0
    weight = np.ones(len(flux))
    for _ in range(_TURNS):
        expected = sky + slope * flux
        ratio = variance / expected - 1
        spread = 1.4826 * float(np.median(np.abs(ratio))) + 1e-6
        cut = ratio / (_TUKEY_C * spread)
        weight = np.where(np.abs(cut) < 1, (1 - cut**2) ** 2, 0.0) / expected**2
        sky, slope = _solve(flux, variance, weight, sky)
    scale = 10 ** (-0.4 * zero)
    return ErrorRelation(sky * scale**2, slope * scale, len(magnitude))


def _solve(
    flux: FloatArray, variance: FloatArray, weight: FloatArray, before: float
) -> tuple[float, float]:
    """Weighted straight line with both terms kept positive, by plain sums."""
    total = float(np.sum(weight))
    if total <= 0:
        return before, 0.0
    mean_flux = float(np.sum(weight * flux)) / total
    mean = float(np.sum(weight * variance)) / total
    spread = float(np.sum(weight * (flux - mean_flux) ** 2))
    slope = 0.0
    if spread > 0:
        slope = float(np.sum(weight * (flux - mean_flux) * (variance - mean))) / spread
    sky = mean - slope * mean_flux
    if slope < 0:
        return mean, 0.0
    if sky <= 0:
        # photon noise alone explains these sources; the least of them bounds the sky
        return float(np.min(variance)) * 1e-3, slope
    return sky, slope
