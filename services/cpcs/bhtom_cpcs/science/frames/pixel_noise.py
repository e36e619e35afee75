"""Noise of a frame's pixels: measured in empty sky, as a sum of them feels it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import correlate1d

from bhtom_cpcs.science.frames.detector import Detector
from bhtom_cpcs.science.frames.gain import Gain, for_stars
from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.order_statistics import median

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_PATCHES_A_SIDE = 12
_PATCH_FWHM, _SMALLEST_PATCH_PX, _LARGEST_PATCH_PX = 16, 48, 160
# A Moffat profile of beta 3 falls as r^-6: where it has fallen to this part of the
# sky's rms, a star's wing does not widen the distribution of the sky any more.
_WING_RMS = 0.3
_FEWEST_PX = 1500
_SHRINK = (1.0, 0.7, 0.45, 0.3)
_CLIP = 3.0
_CLIP_TURNS = 8
_CLIPPED_RMS = 0.98656  # rms of a normal distribution cut at 3 sigma
_LOWEST, _HIGHEST = 0.8, 10.0


@dataclass(frozen=True, slots=True)
class PixelNoise:
    """What the error of a flux in this frame rests on.

    Attributes
    ----------
    sky_rms_adu : rms of one pixel of empty sky, 1 sigma, read noise included [ADU]
    gain_e_per_adu : effective: the variance of light L [ADU] is L / gain [ADU^2]
    read_noise_e : as stated for the camera [e-]; None where nobody says; already in
        `sky_rms_adu`, apart only for the error budget
    correlation : error of a PSF-weighted sum over empty sky divided by what pixels
        independent of each other would give; 1 for untouched pixels, above 1 for
        resampled, stacked or striped ones
    empirical : the gain was measured in the frame, not stated
    """

    sky_rms_adu: float
    gain_e_per_adu: float
    read_noise_e: float | None
    correlation: float
    empirical: bool

    def variance(self, light: FloatArray) -> FloatArray:
        """Variance a pixel [ADU^2] under `light` ADU of a star's model."""
        total: FloatArray = self.sky_rms_adu**2 + (
            np.maximum(light, 0.0) / self.gain_e_per_adu
        )
        return total


def measure_pixel_noise(
    pixels: Image,
    mask: Mask | None,
    stars: tuple[FloatArray, FloatArray, FloatArray],
    rms: float,
    fwhm_px: float,
    detector: Detector,
) -> PixelNoise:
    """Measure the sky's rms and its correlation at the stars' scale.

    Patches spread over the frame are weighed with a Gaussian of the stars' width, at
    every pixel that no star comes near; the rms of the results, over the rms of
    single pixels, against what independent pixels would give, is the correlation.

    Parameters
    ----------
    pixels : background-subtracted image [ADU]
    stars : x, y [px] and flux [ADU] of the detected sources, each of shape (n,)
    rms : first guess of a sky pixel's rms [ADU]
    fwhm_px : full width at half maximum of the stars
    detector : brings gain and read noise

    Returns
    -------
    PixelNoise
        With `rms` and a correlation of 1 where the frame has no empty sky to measure.
    """
    sky_rms, correlation = rms, 1.0
    patches = _patches(pixels.shape, fwhm_px)
    for shrink in _SHRINK:
        avoid = shrink * _reach_of(stars[2], rms, fwhm_px)
        single, summed = _samples(pixels, mask, stars, avoid, patches, fwhm_px)
        if len(summed) >= _FEWEST_PX:
            sky_rms, sky_sum = clipped_rms(single), clipped_rms(summed)
            if sky_rms > 0 and sky_sum > 0:
                kernel = _kernel(fwhm_px)
                expected = sky_rms * float(np.sum(kernel**2))  # of both axes
                correlation = float(np.clip(sky_sum / expected, _LOWEST, _HIGHEST))
            else:
                sky_rms = rms
            break
    gain = Gain(detector.gain_e_per_adu, detector.gain_source)
    return PixelNoise(
        sky_rms,
        for_stars(gain, correlation).value,
        detector.read_noise_e,
        correlation,
        detector.noise_empirical,
    )


def clipped_rms(values: FloatArray) -> float:
    """Rms about the median after cutting at 3 sigma, corrected for the cut."""
    spread = np.abs(values - median(values))
    kept = spread
    for _ in range(_CLIP_TURNS):
        rms = float(np.sqrt(np.mean(kept**2))) / _CLIPPED_RMS
        fewer = spread[spread < _CLIP * rms]
        if len(fewer) == len(kept) or not len(fewer):
            break
        kept = fewer
    return float(np.sqrt(np.mean(kept**2))) / _CLIPPED_RMS


def _kernel(fwhm_px: float) -> FloatArray:
    """One axis of the Gaussian that weighs the pixels, sum 1."""
    sigma = max(fwhm_px, 1.2) / 2.3548
    half = max(int(np.ceil(3 * sigma)), 1)
    offset = np.arange(-half, half + 1)
    kernel: FloatArray = np.exp(-(offset**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    return kernel


def _patches(shape: tuple[int, ...], fwhm_px: float) -> list[tuple[slice, slice]]:
    """Squares spread evenly over the frame, each many stars' widths wide."""
    wanted = int(np.clip(_PATCH_FWHM * fwhm_px, _SMALLEST_PATCH_PX, _LARGEST_PATCH_PX))
    sides = []
    for length in shape:
        size = min(wanted, length)
        count = min(_PATCHES_A_SIDE, max(length // size, 1))
        starts = np.linspace(0, length - size, count).astype(int)
        sides.append([slice(start, start + size) for start in starts])
    return [(rows, columns) for rows in sides[0] for columns in sides[1]]


def _reach_of(flux: FloatArray, rms: float, fwhm_px: float) -> FloatArray:
    """How far a star's light reaches into the sky [px], shape (n,)."""
    peak = np.maximum(flux, 0.0) / (1.1 * max(fwhm_px, 1.2) ** 2)
    wing = (peak / (_WING_RMS * max(rms, 1e-30))) ** (1 / 6)
    reach: FloatArray = fwhm_px * np.clip(wing, 1.5, 12.0) + 1.0
    return reach


def _samples(
    pixels: Image,
    mask: Mask | None,
    stars: tuple[FloatArray, FloatArray, FloatArray],
    avoid: FloatArray,
    patches: list[tuple[slice, slice]],
    fwhm_px: float,
) -> tuple[FloatArray, FloatArray]:
    """Values of empty pixels and of PSF-weighted sums about them [ADU].

    Both about their patch's median, so that what is left of a gradient is no noise.
    """
    kernel = _kernel(fwhm_px)
    half = len(kernel) // 2
    single: list[FloatArray] = []
    summed: list[FloatArray] = []
    for rows, columns in patches:
        piece = pixels[rows, columns].astype(np.float64)
        empty = _empty(piece.shape, (rows, columns), stars, avoid)
        if mask is not None:
            empty &= ~mask[rows, columns]
        smooth = correlate1d(correlate1d(piece, kernel, axis=0), kernel, axis=1)
        inner = np.s_[half : piece.shape[0] - half, half : piece.shape[1] - half]
        empty = empty[inner]
        if np.count_nonzero(empty) < 50:
            continue
        for found, values in ((single, piece), (summed, smooth)):
            sky = values[inner][empty]
            found.append(sky - median(sky))
    if not single:
        return np.zeros(0), np.zeros(0)
    return np.concatenate(single), np.concatenate(summed)


def _empty(
    shape: tuple[int, ...],
    patch: tuple[slice, slice],
    stars: tuple[FloatArray, FloatArray, FloatArray],
    avoid: FloatArray,
) -> BoolArray:
    """Which pixels of a patch no star reaches."""
    bottom, left = patch[0].start, patch[1].start
    x, y = stars[0] - left, stars[1] - bottom
    near = (x > -avoid) & (x < shape[1] + avoid) & (y > -avoid) & (y < shape[0] + avoid)
    empty = np.ones(shape, dtype=bool)
    row, column = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    for index in np.flatnonzero(near):
        radius = avoid[index]
        x0, x1 = int(max(x[index] - radius, 0)), int(x[index] + radius) + 2
        y0, y1 = int(max(y[index] - radius, 0)), int(y[index] + radius) + 2
        box = np.s_[y0:y1, x0:x1]
        away = (row[y0:y1] - y[index]) ** 2 + (column[:, x0:x1] - x[index]) ** 2
        empty[box] &= away > radius**2
    return empty
