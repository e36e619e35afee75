"""A camera's property as several frames tell it, with its error."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FEWEST_FRAMES: Final = 5
MAD_TO_SIGMA: Final = 1.4826
_MEDIAN_ERROR: Final = 1.2533


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, its 1 sigma error, and how many frames it rests on."""

    value: float
    error: float
    frames: int


def median_of(values: Sequence[float]) -> Estimate | None:
    """Median with its error from the median absolute deviation."""
    if not values:
        return None
    middle = statistics.median(values)
    spread = MAD_TO_SIGMA * statistics.median(abs(value - middle) for value in values)
    error = _MEDIAN_ERROR * spread / math.sqrt(len(values))
    return Estimate(middle, error, len(values))


def weighted_mean(pairs: Sequence[tuple[float, float]]) -> Estimate:
    """Mean of (value, error); its error grows where they disagree beyond theirs."""
    weights = [error**-2 for _, error in pairs]
    total = sum(weights)
    mean = sum(w * value for w, (value, _) in zip(weights, pairs, strict=True)) / total
    chi2 = sum(((value - mean) / error) ** 2 for value, error in pairs)
    scale = max(chi2 / (len(pairs) - 1), 1.0)
    return Estimate(mean, math.sqrt(scale / total), len(pairs))
