"""Words on what may have spoilt a target's measurement."""

from typing import Final

from bhtom_cpcs.science.results.zero_point import ZeroPoint
from bhtom_cpcs.science.targets.forced_fit import ForcedFit
from bhtom_cpcs.science.targets.target_pixels import TargetPixels

POOR_ZERO_POINT_ERROR_MAG: Final = 0.05
POOR_SCATTER_MAG: Final = 0.15
FEW_REFERENCE_STARS: Final = 10
# Neighbours' light under the target that is worth a word, as a share of its own.
_BLENDED_SHARE: Final = 0.1


def quality_words(
    fit: ForcedFit,
    pixels: TargetPixels,
    zero_point: ZeroPoint,
    *,
    blended: bool,
    host: bool,
    trailed: bool,
    unmatched: bool,
    noise_empirical: bool,
) -> list[str]:
    """List the words that apply, in a fixed order."""
    neighbours = _BLENDED_SHARE * max(abs(fit.flux), fit.empty_error)
    poor = zero_point.error > POOR_ZERO_POINT_ERROR_MAG
    poor |= zero_point.scatter > POOR_SCATTER_MAG
    words = {
        "cosmic_ray": pixels.struck,
        "saturated_neighbour": pixels.saturated_near,
        "recentred": fit.is_free,
        "light_beside_position": fit.astray,
        "blended": blended or abs(fit.neighbour_flux) > neighbours,
        "host_included": host,
        "moved_during_exposure": trailed,
        "no_source_within_match_radius": unmatched,
        "noise_empirical": noise_empirical,
        "few_reference_stars": zero_point.n_stars < FEW_REFERENCE_STARS,
        "unverified_reference": zero_point.unverified_used,
        "poor_zero_point": poor,
    }
    return [word for word, applies in words.items() if applies]
