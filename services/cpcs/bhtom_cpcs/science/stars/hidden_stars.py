"""Stars that hide in the light of others, found when those have been taken out."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from bhtom_cpcs.science.frames.fits_input import Image, Mask
from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.stars.detection import SEP_MERGED, Sources, detect, joined

FloatArray = npt.NDArray[np.float64]

# One source per so many FWHM^2: where hidden neighbours begin to matter.
_CROWDED_FWHM2 = 150.0
# What a PSF is wrong by at worst, as a part of the light it took out: less than this
# is not a star.
_MODEL_ERROR = 0.05
_SIGMA = 5.0
_STRIP_ROWS = 256


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
    """Find sources in what is left of an image, weighed by what was taken out there.

    Parameters
    ----------
    pixels, left_over : image before and after all known stars were subtracted [ADU]
    """
    quiet = np.empty_like(left_over)
    for start in range(0, len(pixels), _STRIP_ROWS):
        rows = slice(start, start + _STRIP_ROWS)
        light = np.maximum(pixels[rows] - left_over[rows], 0.0)
        variance = (
            noise.variance(light.astype(np.float64)) + (_MODEL_ERROR * light) ** 2
        )
        quiet[rows] = left_over[rows] * (noise.sky_rms_adu / np.sqrt(variance))
    return detect(
        quiet,
        mask,
        noise.sky_rms_adu * max(noise.correlation, 1.0),
        fwhm_px,
        sigma=_SIGMA,
    )


def with_hidden(sources: Sources, hidden: Sources, fwhm_px: float) -> Sources:
    """Add hidden stars to the known sources, brightest first, marked as blended.

    One that lies within half a FWHM of a known source is what the PSF left of it.
    """
    if not len(hidden):
        return sources
    tree = cKDTree(np.stack([sources.x, sources.y], axis=1))
    distance, _ = tree.query(np.stack([hidden.x, hidden.y], axis=1))
    apart = distance > 0.5 * fwhm_px
    found = hidden.of(apart)
    return joined(sources, replace(found, flags=found.flags | SEP_MERGED))
