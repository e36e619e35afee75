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


def limiting_flux(sigma: float, empty_error: float, gain_e_per_adu: float) -> float:
    """Flux whose signal to noise in a fit is `sigma` [ADU].

    Parameters
    ----------
    empty_error : 1 sigma of the fit's flux where no light of the target is [ADU]
    gain_e_per_adu : effective gain of the frame
    """
    own = 0.5 * sigma**2 * _OWN_PHOTONS / gain_e_per_adu
    return own + math.sqrt(own**2 + (sigma * empty_error) ** 2)
