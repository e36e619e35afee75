"""One image of a file, as every later stage takes it."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop

Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Colour = Literal["R", "G", "B"]

# Zeros are unexposed borders when there are many and the sky is far from them.
_UNEXPOSED_FRACTION, _UNEXPOSED_SIGMA = 0.01, 5.0
_SAMPLES = 100_000
# float32 holds 24 bits: a sky whose noise is below this part of its level loses some.
_FINE = 2.0**-17


@dataclass(slots=True)
class Plane:
    """One image of a file: pixels [ADU], mask of unusable ones, merged header.

    Attributes
    ----------
    pixels : shape (height, width); the frame's values are `pixels + offset_adu`
    damaged_cards : names of the cards that cannot be parsed and are left out
    colour : of the pixels of a colour camera; None for all others
    pixels_averaged : 2 where a value is the mean of two of the camera's pixels
    excess : then, by how much the higher of the two exceeds the mean [ADU]
    pixel_pitch : the camera's pixels from one value to the next, 2 in Bayer frames
    bits : of the integers in the file; None for floating point
    notes : sentences about how the pixels were read
    image : which of the camera's images it is, empty for cameras of one chip
    """

    name: str
    header: fits.Header
    pixels: Image
    mask: Mask | None
    damaged_cards: tuple[str, ...] = ()
    colour: Colour | None = None
    pixels_averaged: int = 1
    excess: Image | None = None
    pixel_pitch: int = 1
    offset_adu: float = 0.0
    bits: int | None = None
    notes: tuple[str, ...] = ()
    image: str = ""

    @property
    def highest(self) -> Image:
        """The highest of the camera's pixels that each value was made of [ADU]."""
        return self.pixels if self.excess is None else self.pixels + self.excess

    def raise_saturated(self, level_adu: float) -> None:
        """Let the higher pixel stand for a mean of two of which it is saturated.

        Parameters
        ----------
        level_adu : the detector's limit, less what was taken off the pixels
        """
        if self.excess is None:
            return
        # values that are raised already are their own highest
        full = self.pixels + self.excess >= level_adu
        if full.any():
            excess = np.where(full, np.float32(0), self.excess)
            self.pixels[full] += self.excess[full]
            self.excess = excess

    def scale_of(self, camera_scale: float | None) -> float | None:
        """Arcseconds from one value to the next, of the camera's per pixel."""
        return None if camera_scale is None else camera_scale * self.pixel_pitch


def make_plane(
    name: str,
    header: fits.Header,
    data: npt.NDArray[Any],
    damaged: tuple[str, ...],
    companion: Mask | None = None,
) -> Plane:
    """Turn decoded pixels into native float32 and mask what holds no light."""
    if data.dtype.kind not in "iuf":
        raise Stop(Outcome.NO_IMAGE, reason=f"{name} holds {data.dtype} values")
    bits = None if data.dtype.kind == "f" else 8 * data.dtype.itemsize
    offset = _offset(data)
    with np.errstate(over="ignore", invalid="ignore"):
        if offset:
            pixels = (data - offset).astype(np.float32)
        else:
            pixels = np.ascontiguousarray(data, dtype=np.float32)
        whole = bits is not None or np.isfinite(np.sum(pixels, dtype=np.float64))
    mask = None if whole else ~np.isfinite(pixels)
    if mask is not None:
        if pixels is data:
            pixels = pixels.copy()
        pixels[mask] = 0.0
    notes = []
    unexposed = _unexposed(pixels, mask, np.float32(-offset))
    if unexposed is not None:
        mask = unexposed if mask is None else mask | unexposed
        notes.append(f"{np.mean(unexposed):.0%} of the pixels are unexposed zeros.")
    if companion is not None:
        mask = companion if mask is None else mask | companion
    return Plane(
        name,
        header,
        pixels,
        mask,
        damaged,
        offset_adu=offset,
        bits=bits,
        notes=tuple(notes),
    )


def _offset(data: npt.NDArray[Any]) -> float:
    """What to take off wide numbers before float32 rounds their noise away [ADU]."""
    if data.dtype.itemsize <= 2 or (
        data.dtype.kind == "f" and data.dtype.itemsize == 4
    ):
        return 0.0
    sample = data.ravel()[:: max(data.size // _SAMPLES, 1)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if not len(sample):
        return 0.0
    low, middle, high = np.percentile(sample, [16, 50, 84])
    return float(np.rint(middle)) if high - low < _FINE * abs(middle) else 0.0


def _unexposed(pixels: Image, mask: Mask | None, zero: np.float32) -> Mask | None:
    """Mask of the zeros around resampled or cut images, None where they are sky."""
    zeros = pixels == zero
    if mask is not None:
        zeros &= ~mask
    count = int(np.count_nonzero(zeros))
    if count < _UNEXPOSED_FRACTION * pixels.size or count == pixels.size:
        return None
    others = ~zeros if mask is None else ~zeros & ~mask
    sky = pixels[others]
    if not len(sky):
        return None
    sky = sky[:: max(len(sky) // _SAMPLES, 1)]
    low, middle, high = (float(value) for value in np.percentile(sky, [16, 50, 84]))
    spread = max((high - low) / 2, 1e-30)
    return zeros if abs(middle - float(zero)) > _UNEXPOSED_SIGMA * spread else None
