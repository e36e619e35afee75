"""What makes up a point's error: each term by itself, and their sum."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE
from bhtom_cpcs.science.targets.forced_fit import ForcedFit

# What flat fields and variable air leave in a good frame at best.
FLOOR_MAG: Final = 0.003
# Neighbours are taken out with a PSF that is good to this: over twelve fields of
# tests/bench/targets.py -0.2 +- 0.25 % of their light stays, and none shows its own.
_NEIGHBOUR_SHARE: Final = 0.005
_NEGLIGIBLE: Final = 1e-4
# Median of Osborn et al.'s sites, m^(2/3) s^(1/2); scale height of the turbulence.
_SCINTILLATION_C, _TURBULENCE_HEIGHT_M = 1.5, 8000.0


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a budget takes from outside the fit.

    `position_error_px` is 1 sigma an axis of a pinned position, 0 of a free one;
    `trail_px` the target's own motion during the exposure; `unmodelled_adu` light of
    detected neighbours that are in no scene, as far as it would pass for the
    target's; `lost_share` the part of the target's weight that a cosmic ray took;
    `misfit_adu` what an image that is not the PSF's may change the flux by.
    """

    zero_point_error_mag: float
    fwhm_px: float
    normalisation_error_mag: float
    exposure_time_s: float
    air_mass: float | None = None
    aperture_m: float | None = None
    site_height_m: float = 0.0
    position_error_px: float = 0.0
    trail_px: float = 0.0
    unmodelled_adu: float = 0.0
    lost_share: float = 0.0
    colour_error_mag: float = 0.0
    misfit_adu: float = 0.0


def scintillation(
    aperture_m: float, exposure_time_s: float, air_mass: float, height_m: float
) -> float:
    """Relative error by scintillation, 1 sigma.

    Young's formula as corrected by Osborn et al. (2015, MNRAS 452, 1707, eq. 7):
    sigma^2 = 10e-6 C^2 D^(-4/3) t^-1 X^3 exp(-2 h / H), with their median
    C = 1.5 m^(2/3) s^(1/2) and H = 8,000 m; for exposures longer than the crossing
    time of the turbulence, so for all that cameras here take.
    """
    variance = 10e-6 * _SCINTILLATION_C**2 * aperture_m ** (-4 / 3)
    variance *= air_mass**3 / max(exposure_time_s, 1e-3)
    return math.sqrt(variance * math.exp(-2 * height_m / _TURBULENCE_HEIGHT_M))


def flux_terms(fit: ForcedFit, at: Circumstances) -> dict[str, float]:
    """Terms of the flux's own error [ADU], those that are next to nothing left out."""
    terms = {
        "photon": fit.photon_error,
        "sky": fit.sky_error,
        "read": fit.read_error,
        "blend": _blend(fit, at),
        "misfit": at.misfit_adu,
        "cosmic_ray": abs(fit.flux) * 0.1 * at.lost_share,
    }
    least = _NEGLIGIBLE * fit.error
    return {name: term for name, term in terms.items() if term > least}


def magnitude_terms(
    fit: ForcedFit, at: Circumstances, terms: Mapping[str, float]
) -> dict[str, float]:
    """Terms of the magnitude's error [mag]: those of the flux and the calibration's."""
    budget = {
        name: MAG_PER_RELATIVE * term / fit.flux
        for name, term in terms.items()
        if term > 0
    }
    if misplaced := _misplaced(at):
        budget["position"] = MAG_PER_RELATIVE * misplaced
    return budget | calibration_terms(at)


def calibration_terms(at: Circumstances) -> dict[str, float]:
    """Terms that the calibration adds to any magnitude at the target's place [mag]."""
    budget = {"zero_point": at.zero_point_error_mag}
    if at.colour_error_mag:
        budget["colour"] = at.colour_error_mag
    budget["psf_normalisation"] = at.normalisation_error_mag
    budget |= scintillation_term(
        at.exposure_time_s, at.air_mass, at.aperture_m, at.site_height_m
    )
    budget["floor"] = FLOOR_MAG
    return budget


def scintillation_term(
    exposure_time_s: float,
    air_mass: float | None,
    aperture_m: float | None,
    site_height_m: float,
) -> dict[str, float]:
    """The budget's term of scintillation [mag]; none where what it needs is unknown."""
    told = exposure_time_s > 0  # 0 where no card gives it, and that is flagged
    if not told or aperture_m is None or air_mass is None:
        return {}
    relative = scintillation(aperture_m, exposure_time_s, air_mass, site_height_m)
    return {"scintillation": MAG_PER_RELATIVE * relative}


def in_quadrature(terms: Mapping[str, float]) -> float:
    """Root of the sum of the squares."""
    return math.sqrt(sum(term**2 for term in terms.values()))


def _blend(fit: ForcedFit, at: Circumstances) -> float:
    """Covariance with the neighbours, their wrong PSF, and neighbours not fitted."""
    known = _NEIGHBOUR_SHARE * fit.neighbour_flux
    # what is not fitted lies somewhere between none of it and all of it
    unknown = at.unmodelled_adu / math.sqrt(3)
    return math.sqrt(fit.blend_error**2 + known**2 + unknown**2)


def _misplaced(at: Circumstances) -> float:
    """Share of the flux that a fit misses beside its star, or on a trail.

    A Gaussian PSF of sigma s fitted d away finds exp(-d^2 / 4 s^2) of the light; the
    expected d^2 of a pinned position is twice its variance an axis, and a trail of
    length L widens the image by L^2 / 12 along one axis.
    """
    variance = (at.fwhm_px / 2.3548) ** 2
    shift = 2 * at.position_error_px**2 / (4 * variance)
    trail = at.trail_px**2 / 12 / (4 * variance)
    return -math.expm1(-(shift + trail))
