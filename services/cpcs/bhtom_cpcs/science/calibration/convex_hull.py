"""The part of a frame that its comparison stars surround."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Corners = tuple[tuple[float, float], ...]


def convex_hull(x: FloatArray, y: FloatArray) -> Corners:
    """Corners of the convex hull, counter-clockwise (Andrew 1979); all if under 3."""
    points = sorted({(float(a), float(b)) for a, b in zip(x, y, strict=True)})
    if len(points) < 3:
        return tuple(points)
    return tuple(_chain(points) + _chain(points[::-1]))


def _chain(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """One side of the hull, without its last point."""
    chain: list[tuple[float, float]] = []
    for point in points:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
            chain.pop()
        chain.append(point)
    return chain[:-1]


def inside_hull(corners: Corners, x: float, y: float) -> bool:
    """Say whether a place lies within the hull or on its edge."""
    if len(corners) < 3:
        return False
    following = (*corners[1:], corners[0])
    return all(
        _turn(corner, after, (x, y)) >= 0
        for corner, after in zip(corners, following, strict=True)
    )


def _turn(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]
) -> float:
    """Twice the area of a triangle, positive when it turns left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
