"""The area a catalogue covers: sorted ranges of nested HEALPix pixels of one order."""

from bisect import bisect_right
from collections.abc import Iterable

# Pixels of 0.86 arcmin: fine enough for the edge of a small field, and a whole sky
# or a disc is still a short list of ranges.
COVERAGE_ORDER = 12

Ranges = tuple[tuple[int, int], ...]  # [low, high), sorted, apart from each other


def joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sort ranges and merge those that touch."""
    result: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if result and low <= result[-1][1]:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return tuple(result)


def covered_count(coverage: Ranges, wanted: Ranges) -> int:
    """Count the wanted pixels that are covered (both of the coverage order)."""
    count = 0
    starts = [low for low, _ in coverage]
    for low, high in wanted:
        index = max(bisect_right(starts, low) - 1, 0)
        while index < len(coverage) and coverage[index][0] < high:
            overlap = min(high, coverage[index][1]) - max(low, coverage[index][0])
            count += max(overlap, 0)
            index += 1
    return count


def is_covered(coverage: Ranges, order: int, pixel: int) -> bool:
    """Say whether a pixel of an order up to the coverage's lies wholly inside."""
    if order > COVERAGE_ORDER:
        order, pixel = COVERAGE_ORDER, pixel >> 2 * (order - COVERAGE_ORDER)
    shift = 2 * (COVERAGE_ORDER - order)
    low, high = pixel << shift, (pixel + 1) << shift
    return covered_count(coverage, ((low, high),)) == high - low
