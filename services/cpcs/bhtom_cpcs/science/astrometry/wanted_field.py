"""How large a field of reference stars a frame that is not placed yet asks for."""

import math
from collections.abc import Sequence
from typing import Final

from bhtom_cpcs.science.astrometry.pointing import STATED_SCALE_ERROR

# No frame asks for more than this, whatever its header says.
LARGEST_RADIUS_DEG: Final = 10.0
# Of a scale that nothing confirms no more than this is asked for at first.
LARGEST_FIRST_RADIUS_DEG: Final = 1.0
# About the pointing of a frame of unknown scale: half the diagonal of 20 arcmin.
USUAL_RADIUS_DEG: Final = 0.25
# Half the diagonal of the smallest usual field; a smaller one is a wrong scale.
_SMALLEST_RADIUS_DEG: Final = 0.02


def wanted_radii_deg(
    header_scale: float | None,
    camera_scales: Sequence[float],
    card_scales: Sequence[float],
    shape: tuple[int, int],
    *,
    header_doubted: bool = False,
) -> tuple[float, ...]:
    """Radii of the fields to ask for, one after the other.

    The camera's row counts before the header's coordinates, which count as they are
    where the row, or else another card, agrees with them to 20 %. A scale by header
    alone may be wrong by any factor: then a field no larger than a degree comes first,
    and one of a usual size where the header's is too small to be true, or was when its
    stars had come.

    Parameters
    ----------
    header_scale : float or None
        Arcseconds a pixel by the header's coordinates.
    camera_scales, card_scales : sequence of float
        Those that the camera's row and the header's other cards allow [arcsec].
    shape : tuple of int
        Height and width of the frame [px].
    header_doubted : bool
        The stars speak against the header's scale.

    Returns
    -------
    tuple of float
        Rising [deg], never empty, none above `LARGEST_RADIUS_DEG`.
    """
    stated = tuple(camera_scales) or tuple(card_scales)
    if header_scale is not None and any(
        abs(math.log(header_scale / other)) <= math.log(STATED_SCALE_ERROR)
        for other in stated
    ):
        return _radii((header_scale,), shape)
    if camera_scales:
        return _radii(camera_scales, shape)
    by_header = () if header_scale is None else (header_scale,)
    radii = _radii((*by_header, *card_scales), shape)
    wanted = {radius for radius in radii if radius >= _SMALLEST_RADIUS_DEG}
    if max(wanted, default=0.0) > LARGEST_FIRST_RADIUS_DEG:
        wanted.add(LARGEST_FIRST_RADIUS_DEG)
    if header_doubted or not wanted:
        wanted.add(USUAL_RADIUS_DEG)
    return tuple(sorted(wanted))


def _radii(scales: Sequence[float], shape: tuple[int, int]) -> tuple[float, ...]:
    diagonal = math.hypot(*shape) / 2
    found = {min(scale * diagonal / 3600, LARGEST_RADIUS_DEG) for scale in scales}
    return tuple(sorted(found))
