"""Puts the light of stars and cosmic rays into pixels."""

import numpy as np
import numpy.typing as npt

from bhtom_sky.stars import FloatArray

Image = npt.NDArray[np.float32]

# Gauss-Legendre nodes and weights on [-1/2, 1/2]: integrates a Moffat profile over a
# pixel to 1e-4 of the total light down to a FWHM of 1.5 px.
_NODES = np.array([-0.3872983346, 0.0, 0.3872983346])
_WEIGHTS = np.array([5 / 18, 8 / 18, 5 / 18])
_CHUNK_PIXELS = 2_000_000


def add_stars(
    image: Image,
    stars: tuple[FloatArray, FloatArray, FloatArray],
    fwhm_px: float,
    beta: float,
    smallest_wing: float,
) -> None:
    """Add Moffat stars (x, y, total electrons) to an image in place.

    Each star gets a stamp that reaches to where its wing falls below
    `smallest_wing` electrons a pixel, at least 4 FWHM and at most 40.
    """
    alpha = fwhm_px / (2 * np.sqrt(2 ** (1 / beta) - 1))
    x, y, electrons = stars
    central = electrons * (beta - 1) / (np.pi * alpha**2)
    ratio = np.maximum(central / smallest_wing, 1.0)
    wing = alpha * np.sqrt(np.maximum(ratio ** (1 / beta) - 1, 0))
    reach = np.ceil(np.clip(wing, 4 * fwhm_px, 40 * fwhm_px))
    # few distinct stamp sizes, so that each is one vectorised step
    size = np.ceil(4 * fwhm_px * 1.5 ** np.ceil(np.log(reach / (4 * fwhm_px)) / 0.405))
    for half in np.unique(size):
        chosen = np.flatnonzero(size == half)
        step = max(1, int(_CHUNK_PIXELS // (2 * half + 1) ** 2))
        for start in range(0, len(chosen), step):
            part = chosen[start : start + step]
            _add_stamps(
                image, (x[part], y[part], electrons[part]), int(half), alpha, beta
            )


def _add_stamps(
    image: Image,
    stars: tuple[FloatArray, FloatArray, FloatArray],
    half: int,
    alpha: float,
    beta: float,
) -> None:
    """Add stars with stamps of the same size, pixel-integrated."""
    x, y, electrons = stars
    column, row = np.rint(x).astype(int), np.rint(y).astype(int)
    offset = np.arange(-half, half + 1)
    dx = (offset[None, :] - (x - column)[:, None]).astype(np.float32)
    dy = (offset[None, :] - (y - row)[:, None]).astype(np.float32)
    profile = np.zeros((len(x), len(offset), len(offset)), dtype=np.float32)
    scale = np.float32(1 / alpha**2)
    for node_y, weight_y in zip(_NODES, _WEIGHTS, strict=True):
        for node_x, weight_x in zip(_NODES, _WEIGHTS, strict=True):
            square = (dy + np.float32(node_y))[:, :, None] ** 2 + (
                dx + np.float32(node_x)
            )[:, None, :] ** 2
            square *= scale
            square += np.float32(1)
            profile += np.float32(weight_y * weight_x) * square ** np.float32(-beta)
    profile *= (electrons * (beta - 1) / (np.pi * alpha**2)).astype(np.float32)[
        :, None, None
    ]
    height, width = image.shape
    for stamp, left, bottom in zip(profile, column - half, row - half, strict=True):
        x0, y0 = max(left, 0), max(bottom, 0)
        x1 = min(left + len(offset), width)
        y1 = min(bottom + len(offset), height)
        if x0 < x1 and y0 < y1:
            image[y0:y1, x0:x1] += stamp[
                y0 - bottom : y1 - bottom, x0 - left : x1 - left
            ]


def add_cosmic_rays(image: Image, count: int, rng: np.random.Generator) -> None:
    """Add straight tracks of 1 to 12 pixels with some hundred electrons a pixel."""
    height, width = image.shape
    for _ in range(count):
        length = int(rng.integers(1, 13))
        angle = rng.random() * 2 * np.pi
        along = np.arange(length)
        x = np.rint(rng.random() * width + along * np.cos(angle)).astype(int)
        y = np.rint(rng.random() * height + along * np.sin(angle)).astype(int)
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        charge = rng.uniform(300, 3000) * rng.uniform(0.5, 1.5, length)
        image[y[inside], x[inside]] += charge[inside].astype(np.float32)
