"""Words on what may have spoilt a target's measurement."""

from typing import Final

from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.targets.forced_fit import ForcedFit
from bhtom_cpcs.science.targets.target_pixels import TargetPixels

# Neighbours' light under the target that is worth a word, as a share of its own.
_BLENDED_SHARE: Final = 0.1


def quality_words(
    fit: ForcedFit,
    pixels: TargetPixels,
    *,
    blended: bool,
    host: bool,
    poor_fit: bool,
    trailed: bool,
    unmatched: bool,
    noise_empirical: bool,
) -> list[FlagWord]:
    """List the words that apply, in a fixed order."""
    neighbours = _BLENDED_SHARE * max(abs(fit.flux), fit.empty_error)
    words = {
        FlagWord.COSMIC_RAY: pixels.struck,
        FlagWord.SATURATED_NEIGHBOUR: pixels.saturated_near,
        FlagWord.LIGHT_BESIDE_POSITION: fit.astray,
        FlagWord.BLENDED: blended or abs(fit.neighbour_flux) > neighbours,
        FlagWord.HOST_INCLUDED: host,
        FlagWord.POOR_FIT: poor_fit,
        FlagWord.MOVED_DURING_EXPOSURE: trailed,
        FlagWord.NO_SOURCE_WITHIN_MATCH_RADIUS: unmatched,
        FlagWord.NOISE_EMPIRICAL: noise_empirical,
    }
    return [word for word, applies in words.items() if applies]
