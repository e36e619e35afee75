"""Comparison stars in words: those behind a zero point, and why the others went."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from bhtom_cpcs.science.results.zero_point import ZeroPoint

FAINT: Final = "signal to noise below 10"
SATURATED: Final = "near saturation or cut off"
VARIABLE: Final = "a known variable"
INCOMPLETE: Final = "masked pixels or over the edge"

_BY_REASON: Final = {
    FAINT: "have a signal to noise below 10",
    SATURATED: "are near saturation or cut off",
    VARIABLE: "are known variables",
    INCOMPLETE: "lie on masked pixels or over the edge",
}
_ADVICE: Final = {
    FAINT: "expose longer, or add exposures up",
    SATURATED: "take a shorter exposure, or check the camera's saturation level",
    INCOMPLETE: "repair the mask, or show more of the field",
}
_OTHERWISE: Final = "upload a frame that shows more of the field, or fainter stars"


def stars_in_words(zero_point: ZeroPoint) -> str:
    """Tell which stars stand behind a zero point: how many, or whose."""
    if zero_point.source == "borrowed":
        return f"zero point borrowed from {zero_point.source_note}"
    stars = f"{zero_point.n_stars} stars"
    if zero_point.source != "transformation":
        return stars
    survey, _, band = zero_point.reference_passband.partition("/")
    letters = " and ".join(zero_point.source_bands)
    return f"{stars}, {band} by a transformation from {letters} of {survey}"


def refusals_in_words(reasons: Iterable[str]) -> tuple[str, str]:
    """Count why stars were refused, and say what helps against most of it.

    A reason without words of its own counts under other reasons: what is told of the
    suite's other targets, which may be private, is not told apart from it.

    Parameters
    ----------
    reasons : of each refused star
    """
    counted = Counter(reason if reason in _BY_REASON else "" for reason in reasons)
    told = [
        f"{counted[reason]} {words}"
        for reason, words in _BY_REASON.items()
        if counted[reason]
    ]
    if counted[""]:
        told.append(f"{counted['']} left out for other reasons")
    most = max(counted, key=lambda reason: (counted[reason], reason), default="")
    return ", ".join(told), _ADVICE.get(most, _OTHERWISE)
