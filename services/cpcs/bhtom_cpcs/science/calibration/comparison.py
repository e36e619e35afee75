"""Comparison stars: reference stars matched to sources, and their zero point."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.astrometry.cross_match import Matches
from bhtom_cpcs.science.calibration.bands import passband_text
from bhtom_cpcs.science.calibration.ranking import BandChoice, BandStars
from bhtom_cpcs.science.calibration.zero_point_fit import (
    ZeroPointFit,
    fit_zero_point,
)
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reference import ReferenceStars
from bhtom_cpcs.science.results import ZeroPoint
from bhtom_cpcs.science.stop import Stop

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LARGEST_CATALOGUE_ERROR_MAG = 0.3
FEWEST_SIGNAL_TO_NOISE = 10.0
# Outer limits of a usable zero point, tighter than BHTOM2's 1.5 mag and 0.5.
LARGEST_SCATTER_MAG = 0.5
LARGEST_OUTLIER_FRACTION = 0.5
LARGEST_ZERO_POINT_ERROR_MAG = 0.2
_UNVERIFIED_ERROR_MAG = 0.05
_FEWEST_VERIFIED = 10


@dataclass(frozen=True, slots=True)
class StarFluxes:
    """Light of the matched stars, one element a pair, by the targets' estimator.

    `flux`, `error` [ADU]; `complete` without masked pixels and whole on the frame;
    `reduced_chi2` of the star's model where there is one.
    """

    flux: FloatArray
    error: FloatArray
    complete: BoolArray
    reduced_chi2: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class ComparisonStars:
    """Matched stars: instrumental magnitude, its error, and the pairs' indices."""

    magnitude: FloatArray
    error: FloatArray
    source: npt.NDArray[np.intp]
    reference: npt.NDArray[np.intp]


def comparison_stars(
    fluxes: StarFluxes, clean: BoolArray, matches: Matches
) -> ComparisonStars:
    """Keep the clean pairs of enough signal, with magnitudes and their errors."""
    good = clean & fluxes.complete
    good &= fluxes.flux > FEWEST_SIGNAL_TO_NOISE * fluxes.error
    flux, error = fluxes.flux[good], fluxes.error[good]
    return ComparisonStars(
        magnitude=-2.5 * np.log10(flux),
        error=1.0857 * error / flux,
        source=matches.source[good],
        reference=matches.reference[good],
    )


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


def zero_point(
    choice: BandChoice, stars: BandStars, matches: Matches, growth: float
) -> tuple[ZeroPoint, ZeroPointFit]:
    """Fit the chosen band's zero point on all stars that have the band.

    Raises
    ------
    Stop
        `poor_zero_point` beyond the outer limits.
    """
    usable = stars.usable
    fit = fit_zero_point(stars.difference[usable], stars.error[usable])
    passband = str(choice.chosen)
    correction = 2.5 * float(np.log10(growth))
    result = ZeroPoint(
        passband=passband,
        passband_text=passband_text(passband),
        value=fit.value + correction,
        error=fit.error,
        scatter=fit.scatter,
        n_stars=int(fit.used.sum()),
        n_matched=len(matches.source),
        outlier_fraction=fit.outlier_fraction,
        matching_radius_arcsec=matches.radius_arcsec,
        aperture_correction_mag=correction,
        unverified_used=stars.unverified_used,
        ranking=choice.figures,
    )
    return result, fit


def refuse_poor(result: ZeroPoint) -> None:
    """Stop with `poor_zero_point` when a figure is beyond its outer limit."""
    for name, value, limit in (
        ("scatter", result.scatter, LARGEST_SCATTER_MAG),
        ("error", result.error, LARGEST_ZERO_POINT_ERROR_MAG),
    ):
        if value > limit:
            raise Stop(
                Outcome.POOR_ZERO_POINT,
                passband=result.passband_text,
                reason=f"its {name} is {value:.2f} mag and the limit {limit:.2f}",
            )
    if result.outlier_fraction > LARGEST_OUTLIER_FRACTION:
        share = f"{result.outlier_fraction:.0%}"
        raise Stop(
            Outcome.POOR_ZERO_POINT,
            passband=result.passband_text,
            reason=f"{share} of {result.n_matched} stars disagree with the rest",
        )
