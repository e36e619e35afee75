"""Frames of stars whose light is known, and how well it could be measured at best."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array
from scipy.special import erf

FloatArray = npt.NDArray[np.float64]

SEEDS: Final = (1, 2, 3, 4)
WIDTHS_PX: Final = (2.0, 3.0, 4.5, 6.0)
MOFFAT, GAUSSIAN = 3.0, 0.0  # exponents; 0 stands for a Gaussian
GAIN, READ_E, SKY_E, GRADIENT = 1.5, 8.0, 300.0, 0.05
STARS: Final = {"sparse": 150, "crowded": 400}
FWHM2_A_STAR: Final = {"sparse": 600.0, "crowded": 40.0}
SLOPE, RANGE_MAG = 0.2, 7.5


@dataclass(frozen=True, slots=True)
class Scene:
    """A frame's pixels [ADU], sky included, and the stars in it."""

    pixels: npt.NDArray[np.float32]
    x: FloatArray
    y: FloatArray
    flux: FloatArray
    fwhm_px: float
    beta: float

    @property
    def rms(self) -> float:
        """Noise of a pixel of sky [ADU]."""
        return float(np.sqrt(SKY_E + READ_E**2)) / GAIN


def scenes(kind: str) -> Iterator[Scene]:
    """The frames of a kind, all profiles, widths and seeds."""
    for beta in (MOFFAT, GAUSSIAN):
        for fwhm in WIDTHS_PX:
            for seed in SEEDS:
                yield scene(kind, beta, fwhm, seed)


def scene(kind: str, beta: float, fwhm: float, seed: int, count: int = 0) -> Scene:
    """One frame; counts rise by 10^0.2 a magnitude from the brightest to 4 sigma."""
    rng = np.random.default_rng([seed, round(10 * fwhm), round(beta), len(kind)])
    count = count or STARS[kind]
    side = round(np.sqrt(count * FWHM2_A_STAR[kind]) * fwhm)
    x, y = rng.uniform(-1, side, (2, count))
    rms = np.sqrt(SKY_E + READ_E**2) / GAIN
    faintest = 4.0 * rms * np.sqrt(2.4) * fwhm  # about 4 sigma
    uniform = rng.uniform(0, 1, count)
    magnitude = np.log10(1 + uniform * (10 ** (SLOPE * RANGE_MAG) - 1)) / SLOPE
    flux = faintest * 10 ** (0.4 * (RANGE_MAG - magnitude))
    image = np.full((side, side), SKY_E, dtype=np.float64)
    image *= 1 + GRADIENT * np.linspace(-0.5, 0.5, side)[:, None]
    image += GAIN * rendered(x, y, flux, fwhm, beta, side)
    electrons = rng.poisson(image) + rng.normal(0, READ_E, image.shape)
    return Scene((electrons / GAIN).astype(np.float32), x, y, flux, fwhm, beta)


def rendered(
    x: FloatArray, y: FloatArray, flux: FloatArray, fwhm: float, beta: float, side: int
) -> FloatArray:
    """Noiseless light of stars [the flux's unit]."""
    from bhtom_sky.rendering import add_stars

    if beta:
        image = np.zeros((side, side), dtype=np.float32)
        add_stars(image, (x, y, flux), fwhm, beta, 0.005)
        return image.astype(np.float64)
    light = np.zeros((side, side))
    half = int(np.ceil(3 * fwhm))
    for stamp, rows, columns in _gaussian_stamps(x, y, fwhm, half, side):
        light[rows, columns] += flux[stamp[0]] * stamp[1]
    return light


def _gaussian_stamps(
    x: FloatArray, y: FloatArray, fwhm: float, half: int, side: int
) -> Iterator[tuple[tuple[int, FloatArray], slice, slice]]:
    """Pixel-integrated Gaussians of light 1 and where they lie."""
    scale = fwhm / 2.3548200450309493 * np.sqrt(2)
    for number, place in enumerate(zip(x, y, strict=True)):
        axes, parts = [], []
        for centre in place:
            first = max(round(centre) - half, 0)
            last = min(round(centre) + half + 1, side)
            edge = (np.arange(first, max(last, first) + 1) - 0.5 - centre) / scale
            axes.append(0.5 * np.diff(erf(edge)))
            parts.append(slice(first, max(last, first)))
        yield (number, axes[1][:, None] * axes[0][None, :]), parts[1], parts[0]


def cramer_rao(scene: Scene, truth: npt.NDArray[np.intp]) -> FloatArray:
    """Least error of each found star's flux [ADU]; flux, x, y of all found are free."""
    side = len(scene.pixels)
    light = rendered(scene.x, scene.y, scene.flux, scene.fwhm_px, scene.beta, side)
    variance = scene.rms**2 + light / GAIN
    rows, columns, values = [], [], []
    step = 0.02
    for number, star in enumerate(truth):
        half = int(np.ceil(5 * scene.fwhm_px))
        column, row = round(float(scene.x[star])), round(float(scene.y[star]))
        width = 2 * half + 1
        dx, dy = scene.x[star] - column, scene.y[star] - row
        shifts = ((0, 0), (step, 0), (-step, 0), (0, step), (0, -step))
        stamps = [
            rendered(
                np.array([half + dx + sx]),
                np.array([half + dy + sy]),
                np.ones(1),
                scene.fwhm_px,
                scene.beta,
                width,
            )
            for sx, sy in shifts
        ]
        brightness = scene.flux[star] / (2 * step)
        parameters = (
            stamps[0],
            brightness * (stamps[1] - stamps[2]),
            brightness * (stamps[3] - stamps[4]),
        )
        y, x = np.indices((width, width))
        y, x = y + row - half, x + column - half
        inside = (y >= 0) & (y < side) & (x >= 0) & (x < side)
        pixel = (y * side + x)[inside]
        for offset, stamp in enumerate(parameters):
            rows.append(pixel)
            columns.append(np.full(len(pixel), 3 * number + offset))
            values.append(stamp[inside] / np.sqrt(variance.ravel()[pixel]))
    place = np.concatenate(rows), np.concatenate(columns)
    design = csc_array((np.concatenate(values), place), shape=(side**2, 3 * len(truth)))
    information = (design.T @ design).toarray()
    scale = 1 / np.sqrt(np.diag(information))
    covariance = np.linalg.inv(information * scale[:, None] * scale[None, :])
    bound: FloatArray = (np.sqrt(np.diag(covariance)) * scale)[::3]
    return bound
