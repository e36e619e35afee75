"""Comparison stars: reference stars matched to sources, band by band."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.ranking import BandStars
from bhtom_cpcs.science.reference import ReferenceStars

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LARGEST_CATALOGUE_ERROR_MAG = 0.3
FEWEST_SIGNAL_TO_NOISE = 10.0
_UNVERIFIED_ERROR_MAG = 0.05
_FEWEST_VERIFIED = 10


@dataclass(frozen=True, slots=True)
class StarFluxes:
    """Light of the matched stars, one element a pair, by the targets' estimator.

    `flux`, `error` [ADU]; `complete` without masked pixels and whole on the frame;
    where pixels are known, `struck` by a cosmic ray in those of the star's fit, and
    `poor`: not of the form that the frame's stars have, or `cut` off by the detector.
    """

    flux: FloatArray
    error: FloatArray
    complete: BoolArray
    struck: BoolArray | None = None
    poor: BoolArray | None = None
    cut: BoolArray | None = None


@dataclass(frozen=True, slots=True)
class ComparisonStars:
    """Matched stars: instrumental magnitude, its error, and the pairs' indices."""

    magnitude: FloatArray
    error: FloatArray
    source: npt.NDArray[np.intp]
    reference: npt.NDArray[np.intp]


def band_stars(
    stars: ComparisonStars, reference: ReferenceStars, band: str
) -> BandStars:
    """Return the pairs of one band, the same stars in the same order for every band.

    Values the catalogue itself doubts are used only when the verified ones are too
    few, with an error of 0.05 mag more.
    """
    magnitude = reference.magnitude[band][stars.reference]
    error = reference.error[band][stars.reference]
    verified = reference.verified[band][stars.reference]
    usable = np.isfinite(magnitude) & (error < LARGEST_CATALOGUE_ERROR_MAG)
    doubtful = bool((usable & verified).sum() < _FEWEST_VERIFIED)
    if not doubtful:
        usable &= verified
    else:
        error = np.where(verified, error, np.hypot(error, _UNVERIFIED_ERROR_MAG))
    difference = np.where(usable, magnitude - stars.magnitude, np.nan)
    doubtful &= bool((usable & ~verified).any())
    return BandStars(difference, np.hypot(error, stars.error), doubtful)
