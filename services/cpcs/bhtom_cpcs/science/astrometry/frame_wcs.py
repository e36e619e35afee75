"""Header cards for a solved frame, and what they say of it."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from bhtom_cpcs.science.astrometry.coordinates import (
    Astrometry,
    deproject,
    project,
    read_astrometry,
)
from bhtom_cpcs.science.astrometry.pose import Pose

FloatArray = npt.NDArray[np.float64]
Cards = dict[str, float | int | str]

_GRID = 15
_GOOD_FIT_PX = 0.02
_HIGHEST_SIP_ORDER = 5


@dataclass(frozen=True, slots=True)
class Orientation:
    """A frame's centre [deg], pixel scale [arcsec] and position angle of its y [deg].

    `mirrored` is true where east is to the right of north.
    """

    centre: tuple[float, float]
    scale_arcsec: float
    rotation_deg: float
    mirrored: bool


def astrometry_of_pose(
    pose: Pose, hint: tuple[float, float], shape: tuple[int, int]
) -> Astrometry:
    """Coordinates of a frame that lies as given in the tangent plane about a hint.

    Parameters
    ----------
    pose : Pose
        Centred pixels to that plane [arcsec].
    hint : tuple of float
        Its tangent point, ICRS [deg].
    shape : tuple of int
        Height and width of the frame [px].
    """
    step = math.sqrt(shape[0] * shape[1]) / 8
    pixels = np.array([0, step, -step, 1j * step, -1j * step])
    placed = pose.place(pixels)
    ra, dec = deproject(np.column_stack([placed.real, placed.imag]), hint)
    centre = (float(ra[0]), float(dec[0]))
    plane = project(ra, dec, centre)
    matrix = np.column_stack([plane[1] - plane[2], plane[3] - plane[4]]) / (2 * step)
    header = fits.Header()
    header.update(_tan_cards(centre, matrix / 3600, shape))
    return read_astrometry(header, shape)


def _tan_cards(
    centre: tuple[float, float], matrix: FloatArray, shape: tuple[int, int]
) -> Cards:
    return {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "CRVAL1": centre[0],
        "CRVAL2": centre[1],
        "CRPIX1": (shape[1] + 1) / 2,
        "CRPIX2": (shape[0] + 1) / 2,
        "CD1_1": float(matrix[0, 0]),
        "CD1_2": float(matrix[0, 1]),
        "CD2_1": float(matrix[1, 0]),
        "CD2_2": float(matrix[1, 1]),
        "RADESYS": "ICRS",
    }


def orientation_of(astrometry: Astrometry, shape: tuple[int, int]) -> Orientation:
    """Centre, scale and rotation after the correction."""
    x_mid, y_mid = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    ra, dec = astrometry.sky(
        np.array([x_mid, x_mid + 1, x_mid]), np.array([y_mid, y_mid, y_mid + 1])
    )
    centre = (float(ra[0]), float(dec[0]))
    plane = project(ra, dec, centre)
    step_x, step_y = plane[1] - plane[0], plane[2] - plane[0]
    determinant = float(step_x[0] * step_y[1] - step_x[1] * step_y[0])
    return Orientation(
        centre,
        math.sqrt(abs(determinant)),
        math.degrees(math.atan2(step_y[0], step_y[1])),
        determinant > 0,
    )


def header_cards(astrometry: Astrometry, shape: tuple[int, int]) -> Cards:
    """Cards of a TAN or TAN-SIP projection that say where the frame is.

    Fitted on a grid to the coordinates after the correction, with the lowest order
    that is good to 0.02 px everywhere (at most 5), whatever projection the frame's own
    header has. SIP as defined by Shupe et al. (2005), ASP Conf. Ser. 347, 491.
    """
    height, width = shape
    x, y = (
        axis.ravel()
        for axis in np.meshgrid(
            np.linspace(0, width - 1, _GRID), np.linspace(0, height - 1, _GRID)
        )
    )
    centre = orientation_of(astrometry, shape).centre
    plane = project(*astrometry.sky(x, y), centre)
    u, v = x - (width - 1) / 2, y - (height - 1) / 2
    good = np.isfinite(plane[:, 0])
    u, v, plane = u[good], v[good], plane[good]
    unit = max(width, height) / 2
    for order in range(1, _HIGHEST_SIP_ORDER + 1):
        powers = [
            (total - j, j) for total in range(1, order + 1) for j in range(total + 1)
        ]
        terms = np.column_stack([(u / unit) ** i * (v / unit) ** j for i, j in powers])
        fitted = np.linalg.lstsq(terms, plane, rcond=None)[0]
        scale = math.sqrt(abs(np.linalg.det(fitted[:2]))) / unit
        if np.abs(terms @ fitted - plane).max() < _GOOD_FIT_PX * scale:
            break
    matrix = fitted[:2].T / unit
    cards = _tan_cards(centre, matrix / 3600, shape)
    if order > 1:
        bent = np.linalg.solve(matrix, fitted[2:].T)
        cards |= {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"}
        for axis, name in enumerate("AB"):
            cards[f"{name}_ORDER"] = order
            for (i, j), value in zip(powers[2:], bent[axis], strict=True):
                cards[f"{name}_{i}_{j}"] = float(value) / unit ** (i + j)
    return cards
