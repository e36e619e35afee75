"""Unit vectors on the sky and the plane about them."""

import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

ARCSEC_PER_RADIAN = 180 / math.pi * 3600


def axes_at(direction: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Unit vectors to the east and north of directions, shape (..., 3)."""
    x, y = direction[..., 0], direction[..., 1]
    east = np.stack([-y, x, np.zeros_like(x)], axis=-1)
    length = np.linalg.norm(east, axis=-1, keepdims=True)
    east = np.where(length > 1e-12, east / np.maximum(length, 1e-12), [0.0, 1.0, 0.0])
    return east, np.cross(direction, east)


def local_plane(corner: FloatArray) -> npt.NDArray[np.complex128]:
    """East + i north of directions about the first of each row [arcsec].

    Parameters
    ----------
    corner : ndarray, shape (n, m, 3)
        Unit vectors.
    """
    centre = corner[:, :1]
    east, north = axes_at(centre)
    plane = np.sum(corner * east, axis=-1) + 1j * np.sum(corner * north, axis=-1)
    scaled: npt.NDArray[np.complex128] = (
        plane / np.sum(corner * centre, axis=-1) * ARCSEC_PER_RADIAN
    )
    return scaled
