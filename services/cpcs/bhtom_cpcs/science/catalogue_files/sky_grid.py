"""Gives a catalogue of sky positions the pixel grid that the reduction works on.

Where the file has pixels too, the grid is theirs: a linear one through both, so that
scale, rotation and the places of residuals are those of the frame. Positions always
come from the sky columns; the grid only names them.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from bhtom_cpcs.science.astrometry.coordinates import project
from bhtom_cpcs.science.catalogue_files.instrumental_catalogue import (
    InstrumentalCatalogue,
)

FloatArray = npt.NDArray[np.float64]

_FEWEST_FOR_FIT = 6
_LARGEST_RESIDUAL_PX = 5.0
_SMALLEST_SCALE, _LARGEST_SCALE = 0.005, 1200.0  # arcsec per pixel
_MARGIN_PX = 5.0
_LARGEST_SIDE_PX = 200_000


@dataclass(frozen=True, slots=True)
class SkyGrid:
    """Zero-based pixels of all sources, and the header that tells where they are."""

    x: FloatArray
    y: FloatArray
    shape: tuple[int, int]
    header: fits.Header


@dataclass(frozen=True, slots=True)
class _Linear:
    """Tangent plane = matrix (pixel - origin), [arcsec]."""

    matrix: FloatArray
    origin: FloatArray


def lay_grid(
    catalogue: InstrumentalCatalogue, pixel_scale_arcsec: float | None
) -> SkyGrid:
    """Return the grid; without sky columns the file's pixels and its own header.

    Parameters
    ----------
    pixel_scale_arcsec : width of the pixels of a grid that has to be made up, None
        for one arcsecond
    """
    if catalogue.ra_deg is None or catalogue.dec_deg is None:
        return _pixels_alone(catalogue)
    centre = _centre(catalogue.ra_deg, catalogue.dec_deg)
    plane = project(catalogue.ra_deg, catalogue.dec_deg, centre)
    plane = np.nan_to_num(plane, nan=1e9)  # behind the tangent plane: never matched
    linear = None
    if catalogue.x_px is not None and catalogue.y_px is not None:
        linear = _fitted(catalogue.x_px, catalogue.y_px, plane)
    if linear is None:
        linear = _made_up(plane, pixel_scale_arcsec or 1.0)
    inverse = np.asarray(np.linalg.inv(linear.matrix), dtype=np.float64)
    pixels = _times(inverse, plane) + linear.origin
    x, y = pixels[:, 0], pixels[:, 1]
    shape = _side(catalogue.header, 2, y), _side(catalogue.header, 1, x)
    return SkyGrid(x, y, shape, _header(catalogue.header, centre, linear))


def _pixels_alone(catalogue: InstrumentalCatalogue) -> SkyGrid:
    """Leave it to the header's WCS, or to the stars, where the pixels are."""
    x, y = catalogue.x_px, catalogue.y_px
    if x is None or y is None:
        raise RuntimeError("a catalogue without any positions is never made")
    header = catalogue.header
    return SkyGrid(x, y, (_side(header, 2, y), _side(header, 1, x)), header)


def _centre(ra_deg: FloatArray, dec_deg: FloatArray) -> tuple[float, float]:
    """Return the median direction: a few rows far off do not move it."""
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    east = float(np.median(np.cos(dec) * np.cos(ra)))
    north = float(np.median(np.cos(dec) * np.sin(ra)))
    up = float(np.median(np.sin(dec)))
    return (
        math.degrees(math.atan2(north, east)) % 360,
        math.degrees(math.atan2(up, math.hypot(east, north))),
    )


def _fitted(x: FloatArray, y: FloatArray, plane: FloatArray) -> _Linear | None:
    """Fit the tangent plane linearly to the pixels; None where they do not agree."""
    good = np.isfinite(x) & np.isfinite(y) & (np.abs(plane).max(axis=1) < 1e6)
    for _ in range(3):
        if good.sum() < _FEWEST_FOR_FIT:
            return None
        linear = _solve(x[good], y[good], plane[good])
        if linear is None:
            return None
        there = np.stack([x, y], axis=-1) - linear.origin
        residual = np.hypot(*(plane - _times(linear.matrix, there)).T)
        scale = math.sqrt(abs(float(np.linalg.det(linear.matrix))))
        middle = float(np.median(residual[good]))
        good &= residual <= max(5 * middle, scale)
    if middle > _LARGEST_RESIDUAL_PX * scale:
        return None
    return linear if _SMALLEST_SCALE < scale < _LARGEST_SCALE else None


def _times(matrix: FloatArray, places: FloatArray) -> FloatArray:
    """Apply a matrix to every place, by plain sums as in `_solve`."""
    x, y = places[:, 0], places[:, 1]
    return np.stack([row[0] * x + row[1] * y for row in matrix], axis=-1)


def _solve(x: FloatArray, y: FloatArray, plane: FloatArray) -> _Linear | None:
    """Least squares by plain sums, which no number of threads changes."""
    middle = np.array([float(np.mean(x)), float(np.mean(y))])
    size = max(float(np.ptp(x)), float(np.ptp(y)), 1.0)
    columns = [(x - middle[0]) / size, (y - middle[1]) / size, np.ones(len(x))]
    normal = np.array([[np.sum(a * b) for b in columns] for a in columns])
    if np.linalg.cond(normal) > 1e8:
        return None
    right = np.array([[np.sum(a * p) for p in plane.T] for a in columns])
    solution = np.linalg.solve(normal, right)
    matrix = solution[:2].T / size
    if abs(float(np.linalg.det(matrix))) < _SMALLEST_SCALE**2:
        return None
    return _Linear(matrix, middle - np.linalg.solve(matrix, solution[2]))


def _made_up(plane: FloatArray, scale: float) -> _Linear:
    """North up and east left, as wide as the sources reach."""
    inside = plane[np.abs(plane).max(axis=1) < 1e6]
    if not len(inside):
        inside = np.zeros((1, 2))
    while np.ptp(inside, axis=0).max() / scale > _LARGEST_SIDE_PX:
        scale *= 2
    left, bottom = -float(inside[:, 0].max()) / scale, float(inside[:, 1].min()) / scale
    matrix = np.array([[-scale, 0.0], [0.0, scale]])
    return _Linear(matrix, np.array([_MARGIN_PX - left, _MARGIN_PX - bottom]))


def _side(header: fits.Header, axis: int, pixels: FloatArray) -> int:
    """Return the frame's side by its header, else as far as the sources reach."""
    inside = pixels[np.abs(pixels) < _LARGEST_SIDE_PX]
    reach = int(np.ceil(inside.max() + _MARGIN_PX)) if len(inside) else 1
    told = header.get(f"NAXIS{axis}")
    if isinstance(told, int) and reach - 2 * _MARGIN_PX <= told < _LARGEST_SIDE_PX:
        return told
    return max(reach, 1)


def _header(
    facts: fits.Header, centre: tuple[float, float], linear: _Linear
) -> fits.Header:
    """Return the exposure's cards with the grid's WCS instead of any they had."""
    header = fits.Header()
    for card in facts.cards:
        if not card.keyword.startswith(("CTYPE", "CRVAL", "CRPIX", "CD", "PC", "PV")):
            header.append(card, end=True)
    for card in ("A_ORDER", "B_ORDER", "AP_ORDER", "BP_ORDER", "CROTA2", "LONPOLE"):
        header.remove(card, ignore_missing=True)
    header["RADESYS"] = "ICRS"
    for axis, name in enumerate(("RA---TAN", "DEC--TAN")):
        header[f"CTYPE{axis + 1}"] = name
        header[f"CUNIT{axis + 1}"] = "deg"
        header[f"CRVAL{axis + 1}"] = centre[axis]
        header[f"CRPIX{axis + 1}"] = float(linear.origin[axis]) + 1
        for column in range(2):
            value = float(linear.matrix[axis, column]) / 3600
            header[f"CD{axis + 1}_{column + 1}"] = value
    return header
