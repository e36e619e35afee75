"""Positions of stars at another epoch."""

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_LEAST_COS_DEC: Final = 1e-6  # the poles themselves have no direction of east


def at_epoch(
    ra_deg: FloatArray,
    dec_deg: FloatArray,
    motion_masyr: tuple[FloatArray, FloatArray],
    years: FloatArray | float,
) -> tuple[FloatArray, FloatArray]:
    """Positions after some years of proper motion.

    Parameters
    ----------
    ra_deg, dec_deg : ICRS [deg], shape (n,)
    motion_masyr : along right ascension (cos(dec) included) and declination [mas/yr]
    years : of motion, one for all or one a star; negative for earlier epochs [yr]

    Returns
    -------
    tuple of ndarray
        Right ascension within [0, 360) and declination [deg].
    """
    moved_dec = dec_deg + years * motion_masyr[1] / 3.6e6
    cos_dec = np.maximum(np.cos(np.radians(dec_deg)), _LEAST_COS_DEC)
    moved_ra = ra_deg + years * motion_masyr[0] / 3.6e6 / cos_dec
    return moved_ra % 360, moved_dec
