"""Finds cosmic rays in the whole frame: light that is sharper than any star's.

No sum of stars' images, galaxies and sky can fall from a pixel to its neighbours more
steeply than one star in the middle of that pixel does. So a pixel is struck when, along
some line through it, the mean of the pixels on both sides is lower than the frame's own
point-spread function allows: the sharpness test of L.A.Cosmic (van Dokkum 2001, PASP
113, 1420) with the bound taken from the PSF in the place of a fine-structure image.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.stars.detection import Sources
from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.stars.stamps import cut_out, dot, places, usable_pixels

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

_SIGMA: Final = 8.0  # a struck pixel above the sky
_SHARPER_SIGMA: Final = 5.0  # and the certainty that it is sharper than a star
# What the PSF may be wrong by in the steepness of a star.
_MARGIN: Final = 0.75
_SMALLEST_FWHM_PX: Final = 1.6  # below it a star is as sharp as a cosmic ray
# Lines (dy, dx) from a pixel; twice as long for hits of two pixels' width.
_LINES: Final = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0), (2, 2), (2, -2))
_BORDER: Final = 2
# A neighbour so far below the sky is a dead pixel and tells nothing.
_DEAD_SIGMA: Final = 4.0
_PHASES: Final = (-0.4, -0.2, 0.0, 0.2, 0.4)
_PLACES_A_SIDE: Final = 3
# What is left of a source beside its struck pixels, in sigma, to be a star.
_STILL_A_STAR_SIGMA: Final = 5.0
# More of the stars than this struck in their middle: their model is wrong.
_MOST_STRUCK_SHARE, _MOST_STRUCK = 0.2, 3
_MIDDLE_PX: Final = 1.0
_CORE: Final = 0.05  # of a star's peak: the pixels that the bound is taken from


@dataclass(frozen=True, slots=True)
class Strikes:
    """Pixels that cosmic rays struck, in the order of the image."""

    row: IndexArray
    column: IndexArray

    def __len__(self) -> int:
        """Count the pixels."""
        return len(self.row)

    def near(self, x: FloatArray, y: FloatArray, radius: float) -> BoolArray:
        """Say which positions have a struck pixel within a radius [px]."""
        hit = np.zeros(len(x), dtype=bool)
        there = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        if len(self) and len(there):
            tree = cKDTree(np.stack([self.column, self.row], axis=1))
            places = np.stack([x[there], y[there]], axis=1)
            hit[there] = np.isfinite(tree.query(places, distance_upper_bound=radius)[0])
        return hit

    def within(self, left: int, bottom: int, side: int) -> BoolArray:
        """Mark the struck pixels in a square of the image."""
        marked = np.zeros((side, side), dtype=bool)
        row, column = self.row - bottom, self.column - left
        inside = (row >= 0) & (row < side) & (column >= 0) & (column < side)
        marked[row[inside], column[inside]] = True
        return marked

    def masked(self, mask: Mask | None, shape: tuple[int, ...]) -> Mask | None:
        """Add the struck pixels to a copy of a mask."""
        if not len(self):
            return mask
        both = np.zeros(shape, dtype=bool) if mask is None else mask.copy()
        both[self.row, self.column] = True
        return both


NO_STRIKES: Final = Strikes(np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp))


def strikes_among(
    pixels: Image,
    mask: Mask | None,
    sources: Sources,
    psf: PsfModel,
    noise: PixelNoise,
    ceiling_adu: float | None = None,
) -> tuple[Strikes, BoolArray]:
    """Find the struck pixels of a frame with stars, and which sources are stars.

    Nothing is struck where the point-spread function is a guess, or where it makes
    the middles of the stars themselves look struck: then it is too wide for them.

    Returns
    -------
    Strikes
    ndarray, shape (n,)
        False for sources that are nothing but struck pixels.
    """
    everything = np.ones(len(sources), dtype=bool)
    if psf.n_stars == 0:
        return NO_STRIKES, everything
    strikes = find_strikes(pixels, mask, psf, noise, ceiling_adu)
    doubtful = np.flatnonzero(strikes.near(sources.x, sources.y, psf.fwhm_px))
    place = sources.x[doubtful], sources.y[doubtful]
    without = strikes.masked(mask, pixels.shape)
    left = light_beside(pixels, without, place, psf.fwhm_px, noise.sky_rms_adu)
    stars = everything.copy()
    stars[doubtful] = left > _STILL_A_STAR_SIGMA
    middle = strikes.near(sources.x[stars], sources.y[stars], _MIDDLE_PX)
    count = np.count_nonzero(middle)
    if count > max(_MOST_STRUCK, _MOST_STRUCK_SHARE * len(middle)):
        return NO_STRIKES, everything
    return strikes, stars


def find_strikes(
    pixels: Image,
    mask: Mask | None,
    psf: PsfModel,
    noise: PixelNoise,
    ceiling_adu: float | None = None,
) -> Strikes:
    """Find the struck pixels of a frame; hot pixels are found with them.

    Hits fainter than a third of a star's own light in a pixel are not told from the
    star, nor is anything in a frame with stars narrower than 1.6 px.

    Parameters
    ----------
    pixels : background-subtracted image [ADU]
    psf : the frame's point-spread function
    noise : rms of a sky pixel and gain
    ceiling_adu : saturation above the background; what touches saturated pixels is
        their bleeding and no cosmic ray [ADU]
    """
    height, width = pixels.shape
    if psf.fwhm_px < _SMALLEST_FWHM_PX or min(height, width) <= 2 * _BORDER:
        return NO_STRIKES
    flat = np.ascontiguousarray(pixels).ravel()
    index = np.flatnonzero(flat > np.float32(_SIGMA * noise.sky_rms_adu))
    row, column = np.divmod(index, width)
    inner = (row >= _BORDER) & (row < height - _BORDER)
    inner &= (column >= _BORDER) & (column < width - _BORDER)
    index = index[inner]
    if not len(index):
        return NO_STRIKES
    value = flat[index]
    struck = np.zeros(len(index), dtype=bool)
    steps = [dy * width + dx for dy, dx in _LINES]
    unusable = None if mask is None else mask.ravel()
    for step, least in zip(steps, steepest(psf, pixels.shape), strict=True):
        sides = flat[index + step] + flat[index - step]
        # of most pixels, which are stars', this alone says that they are no sharper
        sharp = np.flatnonzero(sides < np.float32(2 * least) * value)
        at = index[sharp]
        found = _is_sharper(flat, at, step, least, noise)
        if unusable is not None:
            found &= ~(unusable[at] | unusable[at + step] | unusable[at - step])
        struck[sharp[found]] = True
    index = index[struck]
    if ceiling_adu is not None:
        beside = [flat[index + sign * step] for step in steps for sign in (-1, 1)]
        index = index[np.max(beside, axis=0) < ceiling_adu]
    row, column = np.divmod(index, width)
    return Strikes(row, column)


def _is_sharper(
    flat: Image, at: IndexArray, step: int, least: float, noise: PixelNoise
) -> BoolArray:
    """Say which pixels surpass the bound by more than noise along a line."""
    value = flat[at].astype(np.float64)
    ahead, behind = flat[at + step], flat[at - step]
    mean = 0.5 * (ahead.astype(np.float64) + behind)
    spread = least**2 * noise.variance(value) + 0.5 * noise.variance(mean)
    dead = -_DEAD_SIGMA * noise.sky_rms_adu
    sharper: BoolArray = least * value - mean > _SHARPER_SIGMA * np.sqrt(spread)
    return sharper & (ahead > dead) & (behind > dead)


def steepest(psf: PsfModel, shape: tuple[int, ...]) -> tuple[float, ...]:
    """Least ratio of the mean of two opposite pixels to the one between, by line.

    That of the sharpest star anywhere in the frame and in its pixel, less a margin for
    what the PSF is wrong by.
    """
    half = max(math.ceil(psf.fwhm_px), 2) + _BORDER
    share = (np.arange(_PLACES_A_SIDE) + 0.5) / _PLACES_A_SIDE
    place_y, place_x = (np.rint(share * (side - 1)) for side in shape[:2])
    grid = np.meshgrid(place_y, place_x, _PHASES, _PHASES, indexing="ij")
    at_y, at_x, phase_y, phase_x = (axis.ravel() for axis in grid)
    stamps = psf.stamps(at_x + phase_x, at_y + phase_y, half)
    middle = slice(_BORDER, -_BORDER)
    star = stamps[:, middle, middle]
    core = star > _CORE * stamps.max(axis=(1, 2), keepdims=True)
    bounds = []
    for dy, dx in _LINES:
        sides = np.roll(stamps, (dy, dx), (1, 2)) + np.roll(stamps, (-dy, -dx), (1, 2))
        ratio = 0.5 * sides[:, middle, middle][core] / star[core]
        bounds.append(_MARGIN * max(float(ratio.min()), 0.0))
    return tuple(bounds)


def light_beside(
    pixels: Image,
    mask: Mask | None,
    position: tuple[FloatArray, FloatArray],
    radius: float,
    rms: float,
) -> FloatArray:
    """Signal to noise of the unmasked light within a radius of each position."""
    at = places(*position, math.ceil(radius))
    offset = np.arange(-at.half, at.half + 1)
    inside = np.hypot(offset[:, None], offset[None, :]) <= radius
    good = usable_pixels(at, pixels, mask) & inside
    noise = rms * np.sqrt(np.maximum(np.count_nonzero(good, axis=(1, 2)), 1))
    light: FloatArray = dot(good, cut_out(at, pixels)) / noise
    return light
