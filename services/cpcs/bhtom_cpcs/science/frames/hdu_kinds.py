"""What the HDUs of a FITS file are: images, colours, mosaics, cubes or no image."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from astropy.io import fits

from bhtom_cpcs.science.frames.bayer import (
    bayer_pattern,
    is_mosaic,
    looks_like_mosaic,
)
from bhtom_cpcs.science.frames.companions import COMPANION
from bhtom_cpcs.science.frames.cube_stars import Shown, shown_by_stars
from bhtom_cpcs.science.frames.cubes import (
    colour_images,
    image_sides,
    squeezed,
    told_by_cards,
)
from bhtom_cpcs.science.frames.fits_files import FITS_ERRORS, first_sentence
from bhtom_cpcs.science.frames.headers import merged, without_damaged_cards
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop

MAX_PIXELS = 250_000_000
SMALLEST_SIDE_PX = 16

Kind = Literal["image", "colours", "mosaic", "cube", "other"]


@dataclass(frozen=True, slots=True)
class Described:
    """What an HDU is, in words and for the reader."""

    text: str
    kind: Kind

    @property
    def n_planes(self) -> int:
        return {"image": 1, "colours": 3, "mosaic": 3}.get(self.kind, 0)


def describe(number: int, hdu: Any, primary: fits.Header) -> Described:
    """Say what an HDU is and how many planes it gives."""
    name = str(getattr(hdu, "name", "")) or type(hdu).__name__
    here = f"HDU {number} ({name})"
    if not isinstance(
        hdu, (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)
    ) or isinstance(hdu, fits.GroupsHDU):
        return Described(f"{here} is not an image", "other")
    try:
        shape = tuple(int(side) for side in hdu.shape)
    except FITS_ERRORS as error:
        return Described(f"{here} is damaged: {first_sentence(error)}", "other")
    if len(shape) < 2 or not np.prod(shape):
        return Described(f"{here} has no pixels", "other")
    if number > 0 and COMPANION.match(name):
        return Described(f"{here} is a mask or weight", "other")
    height, width = image_sides(shape)
    if min(height, width) < SMALLEST_SIDE_PX:
        return Described(f"{here} is only {width} x {height} pixels", "other")
    _refuse_too_large(height * width)
    if len(squeezed(shape)) > 2:
        return _of_several(here, hdu, number, shape, primary)
    if _pattern(hdu, number, primary) is not None:
        return Described(f"{here} is a raw colour image", "mosaic")
    return Described(f"{here} is an image", "image")


def _of_several(
    here: str, hdu: Any, number: int, shape: tuple[int, ...], primary: fits.Header
) -> Described:
    """Colours of one exposure, or several exposures: by cards, else by the stars."""
    header, _ = without_damaged_cards(hdu.header)
    told = told_by_cards(header, shape)
    if told is None and number:
        header = merged(without_damaged_cards(primary)[0], header)
        told = told_by_cards(header, shape)
    count = int(np.prod(squeezed(shape)[:-2]))
    cube = Described(f"{here} is a cube of {count} images", "cube")
    if told == "exposures":
        return cube
    _refuse_too_large(int(np.prod(shape)))  # colours are decoded together
    if told != "colours":
        shown = _shown_by_pixels(colour_images(decoded(hdu)), told == "mosaics")
        if shown == "exposures":
            return Described(f"{cube.text}, {_ALIKE}", "cube")
        if shown is None:
            return Described(f"{cube.text}, {_UNDECIDED}", "cube")
    return Described(f"{here} is a colour image", "colours")


def _shown_by_pixels(images: tuple[Any, ...], colour_camera: bool) -> Shown | None:
    """What pixels tell; of a colour camera's exposures each is still a mosaic."""
    if colour_camera and looks_like_mosaic(images[0]):
        return "exposures"
    shown = shown_by_stars(images)
    if shown is None and colour_camera and not is_mosaic(images[0]):
        return "colours"
    return shown


_ALIKE = "in which the stars have the same colours, as in exposures through one filter"
_UNDECIDED = (
    "and neither its cards nor its stars tell that they are the colours of one "
    "exposure; if they are, write COLORTYP = 'RGB' into its header"
)


def _refuse_too_large(n_pixels: int) -> None:
    if n_pixels > MAX_PIXELS:
        raise Stop(Outcome.IMAGE_TOO_LARGE, n_pixels=n_pixels, limit=MAX_PIXELS)


def _pattern(hdu: Any, number: int, primary: fits.Header) -> str | None:
    """The colour pattern of a mosaic, None where header or pixels say it is none."""
    header, _ = without_damaged_cards(hdu.header)
    if number:
        header = merged(without_damaged_cards(primary)[0], header)
    pattern = bayer_pattern(header)
    if pattern is None:
        return None
    data = decoded(hdu)
    return pattern if is_mosaic(data) else None


def decoded(hdu: Any) -> Any:
    try:
        return hdu.data
    except Exception as error:  # decompressors raise what they like
        raise Stop(Outcome.UNREADABLE, reason=first_sentence(error)) from error
