"""Stars that hide in the light of others, found when those have been taken out."""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import correlate1d
from scipy.spatial import cKDTree
from scipy.special import ndtr

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.stars.detection import (
    FWHM_PER_SIGMA,
    SEP_MERGED,
    Sources,
    joined,
)

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

# One source per so many FWHM^2: where hidden neighbours begin to matter.
_CROWDED_FWHM2 = 150.0
# What a PSF is wrong by at worst, as a part of the light it took out: less than this
# is not a star.
_MODEL_ERROR = 0.05
# In units of the error of a flux whose sky is free; of 8 crowded frames of 400 stars 14
# sources are then no star, at 3.5 sigma 49 are.
_SIGMA = 4.0
# Two sources nearer to each other than this are one, seen twice.
_ONE_FWHM = 0.5
_WINDOW_FWHM = 1.5
_STRIP_ROWS = 64  # what a strip needs stays in the processor's cache


def is_crowded(count: int, shape: tuple[int, ...], fwhm_px: float) -> bool:
    """Say whether the sources stand so close that some hide others."""
    return count * _CROWDED_FWHM2 * fwhm_px**2 > shape[0] * shape[1]


def hidden_stars(
    pixels: Image,
    left_over: Image,
    mask: Mask | None,
    noise: PixelNoise,
    fwhm_px: float,
) -> Sources:
    """Find stars in what is left of an image, each above the light around it.

    A star and a level are fitted to the pixels about every pixel, weighed by their
    noise and by what was taken out there; peaks of the star's flux over its error are
    sources (as Stetson 1987, PASP 99, 191, sect. II, with weights). The level keeps
    wings of bright stars, and a background that their light has raised, from passing
    for stars; a peak that is one bright pixel is none.

    Parameters
    ----------
    pixels, left_over : image before and after all known stars were subtracted [ADU]

    Returns
    -------
    Sources
        Brightest first, as wide as the stars, marked as blended.
    """
    margin = _half_window(fwhm_px) + _half_peak(fwhm_px)
    found = []
    for start in range(0, len(pixels), _STRIP_ROWS):
        first = max(start - margin, 0)
        rows = slice(first, start + _STRIP_ROWS + margin)
        x, y, flux, peak = _stars_in(
            np.maximum(pixels[rows] - left_over[rows], 0.0),
            left_over[rows],
            None if mask is None else mask[rows],
            noise,
            fwhm_px,
        )
        y = y + first
        own = np.rint(y) >= start
        own &= np.rint(y) < start + _STRIP_ROWS
        found.append(np.stack([x, y, flux, peak])[:, own])
    x, y, flux, peak = np.concatenate(found, axis=1)
    width = np.full(len(x), fwhm_px / FWHM_PER_SIGMA)
    flags = np.full(len(x), SEP_MERGED, dtype=np.int64)
    sources = Sources(x, y, flux, peak, width, width, flags)
    return sources.of(np.argsort(-flux, kind="stable"))


def with_hidden(sources: Sources, hidden: Sources, fwhm_px: float) -> Sources:
    """Add hidden stars to the known sources, brightest first.

    One that lies within half a FWHM of a known source is what the PSF left of it.
    """
    if not len(hidden):
        return sources
    tree = cKDTree(np.stack([sources.x, sources.y], axis=1))
    distance, _ = tree.query(np.stack([hidden.x, hidden.y], axis=1))
    return joined(sources, hidden.of(distance > _ONE_FWHM * fwhm_px))


def still_stars(
    x: FloatArray,
    y: FloatArray,
    flux: FloatArray,
    error: FloatArray,
    fwhm_px: float,
) -> BoolArray:
    """Say which sources stay stars when all are fitted together.

    Those are above 4 sigma, and the fainter of two that moved onto each other is none.

    Parameters
    ----------
    x, y : fitted positions, shape (n,) [px]
    flux, error : and fluxes [ADU]; what could not be measured (NaN) stays
    """
    real: BoolArray = ~(flux < _SIGMA * error)
    tree = cKDTree(np.stack([x, y], axis=1))
    known = np.isfinite(flux)
    pairs = tree.query_pairs(_ONE_FWHM * fwhm_px, output_type="ndarray")
    pairs = pairs[known[pairs].all(axis=1)]
    first_brighter = flux[pairs[:, 0]] >= flux[pairs[:, 1]]
    brighter = np.where(first_brighter, pairs[:, 0], pairs[:, 1])
    fainter = np.where(first_brighter, pairs[:, 1], pairs[:, 0])
    # brightest first, so that only a star that stays takes others out
    for pair in np.lexsort((fainter, brighter, -flux[brighter])):
        if real[brighter[pair]]:
            real[fainter[pair]] = False
    return real


def _stars_in(
    light: Image, left_over: Image, mask: Mask | None, noise: PixelNoise, fwhm_px: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Positions [px], fluxes and peaks [ADU] of the stars in a strip."""
    usable = np.isfinite(left_over)
    if mask is not None:
        usable &= ~mask
    variance = noise.variance(light.astype(np.float64)) + (_MODEL_ERROR * light) ** 2
    weight = np.where(usable, 1 / variance, 0.0)
    left = np.where(usable, left_over, 0.0).astype(np.float64)
    flux, error = _fitted(left, weight, fwhm_px)
    significance = flux / (error * max(noise.correlation, 1.0))
    above = (significance > _SIGMA) & usable
    above[[0, -1]] = above[:, [0, -1]] = False
    row, column = np.nonzero(above)
    # a pixel that stands out of its neighbours further than a star's is a hit
    star = flux[row, column] * _kernel(fwhm_px).max() ** 2
    spike = _above_neighbours(left, row, column)
    kept = spike < star + 3 * np.sqrt(variance[row, column])
    row, column = _highest(significance, row[kept], column[kept], _half_peak(fwhm_px))
    middle = significance[row, column]
    dx = _vertex(significance[row, column - 1], middle, significance[row, column + 1])
    dy = _vertex(significance[row - 1, column], middle, significance[row + 1, column])
    return column + dx, row + dy, flux[row, column], left[row, column]


def _above_neighbours(
    image: FloatArray, row: IndexArray, column: IndexArray
) -> FloatArray:
    """What inner pixels have above the mean of the eight about them."""
    total = np.zeros(len(row))
    for down in (-1, 0, 1):
        for along in (-1, 0, 1):
            total += image[row + down, column + along]
    above: FloatArray = (image[row, column] - total / 9) * (9 / 8)
    return above


def _highest(
    image: FloatArray, row: IndexArray, column: IndexArray, half: int
) -> tuple[IndexArray, IndexArray]:
    """Those pixels that none within the square about them is above."""
    height, width = image.shape
    for down in range(-half, half + 1):
        for along in range(-half, half + 1):
            other = image[
                np.clip(row + down, 0, height - 1),
                np.clip(column + along, 0, width - 1),
            ]
            kept = ~(other > image[row, column])
            row, column = row[kept], column[kept]
    return row, column


def _fitted(
    left: FloatArray, weight: FloatArray, fwhm_px: float
) -> tuple[FloatArray, FloatArray]:
    """Flux and error of a star centred on each pixel, over a level of its own."""
    kernel = _kernel(fwhm_px)
    window = np.ones_like(kernel)
    square, single, level = _summed(weight, kernel**2, kernel, window)
    star, sky = _summed(weight * left, kernel, window)
    determinant = square * level - single**2
    solvable = determinant > 1e-3 * square * level
    determinant = np.where(solvable, determinant, 1.0)
    flux = np.where(solvable, (star * level - sky * single) / determinant, 0.0)
    error = np.where(solvable, np.sqrt(level / determinant), 1.0)
    return flux, error


def _summed(image: FloatArray, *factors: FloatArray) -> list[FloatArray]:
    """Sums about every pixel, weighed by products of one symmetric factor an axis.

    Down the columns whole rows are added: `correlate1d` takes eight times as long
    there as along the rows.
    """
    half, rows = len(factors[0]) // 2, len(image)
    padded = np.zeros((rows + 2 * half, image.shape[1]))
    padded[half : half + rows] = image
    sums = [along[half] * image for along in factors]
    for away in range(half, 0, -1):
        both = (
            padded[half - away : half - away + rows]
            + padded[half + away : half + away + rows]
        )
        for total, along in zip(sums, factors, strict=True):
            total += both * along[half - away]
    return [
        correlate1d(total, along, axis=1, mode="constant")
        for total, along in zip(sums, factors, strict=True)
    ]


def _kernel(fwhm_px: float) -> FloatArray:
    """One axis of a Gaussian star in pixels."""
    half = _half_window(fwhm_px)
    edges = (np.arange(-half, half + 2) - 0.5) * FWHM_PER_SIGMA / max(fwhm_px, 1.2)
    axis: FloatArray = np.diff(ndtr(edges))
    return axis


def _half_window(fwhm_px: float) -> int:
    return int(np.ceil(_WINDOW_FWHM * max(fwhm_px, 1.2)))


def _half_peak(fwhm_px: float) -> int:
    return int(np.ceil(_ONE_FWHM * max(fwhm_px, 1.2)))


def _vertex(before: FloatArray, middle: FloatArray, after: FloatArray) -> FloatArray:
    """Where between its neighbours a parabola through three values is highest [px]."""
    curvature = 2 * middle - before - after
    safe = np.where(curvature > 0, curvature, 1.0)
    offset = np.where(curvature > 0, (after - before) / (2 * safe), 0.0)
    limited: FloatArray = np.clip(offset, -0.5, 0.5)
    return limited
