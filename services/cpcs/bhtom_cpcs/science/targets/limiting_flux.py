"""The flux that a forced fit would just have seen, by which a limit is defined."""

import math
from typing import Final

# Sum of p^3 over (sum of p^2)^2 of a Gaussian: how a star's own photons weigh in the
# variance of its fitted flux where the sky dominates.
_OWN_PHOTONS: Final = 4 / 3
LIMIT_DEFINITION: Final = (
    "The magnitude of a star at the target's position whose flux in this fit would be "
    "3 (5) times its error: sky and read noise as measured in this frame with their "
    "correlation, the local sky's and the neighbours' errors, and the star's own "
    "photons; the target's own light does not count."
)

BOUND_DEFINITION: Final = (
    "There is light at the target's position, but it cannot be told how much is of its "
    "neighbours: the magnitude of all of it and 3 (5) times its error in this fit; or "
    "of a star that this fit would just have seen, if that is brighter."
)


def bounding_flux(sigma: float, flux: float, error: float, misfit: float) -> float:
    """Flux that a target with light in its place does not exceed [ADU]; 0 without.

    Parameters
    ----------
    flux, error : by the fit, with only known stars' light taken off, and its 1 sigma
        without what unknown neighbours may have of it [ADU]
    misfit : what a poor fit may change it by, 1 sigma [ADU]
    """
    return flux + sigma * math.hypot(error, misfit) if flux > 3 * error else 0.0


def limiting_flux(sigma: float, empty_error: float, gain_e_per_adu: float) -> float:
    """Flux whose signal to noise in a fit is `sigma` [ADU].

    Parameters
    ----------
    empty_error : 1 sigma of the fit's flux where no light of the target is [ADU]
    gain_e_per_adu : effective gain of the frame
    """
    own = 0.5 * sigma**2 * _OWN_PHOTONS / gain_e_per_adu
    return own + math.sqrt(own**2 + (sigma * empty_error) ** 2)
