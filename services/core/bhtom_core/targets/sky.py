"""Where targets are on the sky: HEALPix numbers, cones, separations."""

import math
from typing import Final

import hpgeom

ORDER: Final = 29
_FINEST_CONE_ORDER: Final = 20
# Cells about this many times smaller than the radius: few ranges, little excess.
_CELLS_PER_RADIUS: Final = 4.0
_CELL_SIZE_AT_ORDER_0_DEG: Final = 58.6323
# The index only preselects, so a rounding error must not lose a target.
_MARGIN: Final = 1.0 + 1e-6
_MARGIN_DEG: Final = 1e-9


def healpix(ra: float, dec: float) -> int:
    """The nested HEALPix number of order 29 of a position in degrees."""
    return int(hpgeom.angle_to_pixel(1 << ORDER, ra, dec, nest=True, lonlat=True))


def cone_ranges(ra: float, dec: float, radius_deg: float) -> list[tuple[int, int]]:
    """Ranges [first, after last) of order-29 numbers that cover a cone.

    They cover somewhat more than the cone: whoever uses them compares the true
    separation as well.
    """
    radius = min(radius_deg * _MARGIN + _MARGIN_DEG, 180.0)
    order = _order_for(radius)
    shift = 2 * (ORDER - order)
    ranges = hpgeom.query_circle(
        1 << order, ra, dec, radius, inclusive=True, nest=True,
        return_pixel_ranges=True,
    )  # fmt: skip
    return [(int(first) << shift, int(after) << shift) for first, after in ranges]


def separation_deg(ra_1: float, dec_1: float, ra_2: float, dec_2: float) -> float:
    """The angle between two positions, by Vincenty's formula: exact everywhere."""
    delta = math.radians(ra_2 - ra_1)
    phi_1, phi_2 = math.radians(dec_1), math.radians(dec_2)
    cos_1, sin_1 = math.cos(phi_1), math.sin(phi_1)
    cos_2, sin_2 = math.cos(phi_2), math.sin(phi_2)
    across = math.hypot(
        cos_2 * math.sin(delta), cos_1 * sin_2 - sin_1 * cos_2 * math.cos(delta)
    )
    along = sin_1 * sin_2 + cos_1 * cos_2 * math.cos(delta)
    return math.degrees(math.atan2(across, along))


def _order_for(radius_deg: float) -> int:
    """A HEALPix order whose cells are a fraction of the radius."""
    wanted = _CELLS_PER_RADIUS * _CELL_SIZE_AT_ORDER_0_DEG / radius_deg
    return max(0, min(_FINEST_CONE_ORDER, math.floor(math.log2(wanted))))
