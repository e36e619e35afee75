"""Reads the image planes of a FITS file: plain, compressed, in extensions."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import numpy.typing as npt
from astropy.io import fits

from bhtom_cpcs.science.frames.bayer import (
    bayer_pattern,
    colour_planes,
    looks_like_mosaic,
)
from bhtom_cpcs.science.frames.companions import mask_of
from bhtom_cpcs.science.frames.cubes import colour_images, image_sides, squeezed
from bhtom_cpcs.science.frames.fits_files import (
    FITS_ERRORS,
    each_hdu,
    first_sentence,
    primary_header,
)
from bhtom_cpcs.science.frames.hdu_kinds import Kind, decoded, describe
from bhtom_cpcs.science.frames.header_cards import number_of
from bhtom_cpcs.science.frames.headers import merged, without_damaged_cards
from bhtom_cpcs.science.frames.planes import Colour, Mask, Plane, make_plane
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop

MAX_PLANES = 128
_COLOURS: tuple[Colour, ...] = ("R", "G", "B")


def read_planes(
    hdus: fits.HDUList, wanted: Collection[int] | None = None
) -> Iterator[Plane]:
    """Give the file's image planes in order, decoding one HDU at a time.

    Of the planes with the `wanted` numbers only, where these are given.

    Raises
    ------
    Stop
        `unreadable`, `image_too_large`, `is_cube`, or `no_image` when there is none.
    """
    primary = primary_header(hdus)
    first = 0
    for number, hdu in enumerate(each_hdu(hdus)):
        described = describe(number, hdu, primary)
        count = described.n_planes
        chosen = [n for n in range(count) if wanted is None or first + n in wanted]
        first += count
        if chosen:
            planes = _planes_of(hdus, number, described.kind, primary)
            for at, plane in enumerate(planes):
                if at in chosen:
                    yield plane


def plane_count(hdus: fits.HDUList) -> int:
    """Count the image planes; stop when there is none.

    Only frames that say they are a colour camera's mosaic are decoded for that.
    """
    primary = primary_header(hdus)
    count, seen = 0, []
    for number, hdu in enumerate(each_hdu(hdus)):
        described = describe(number, hdu, primary)
        count += described.n_planes
        seen.append(described)
        if count > MAX_PLANES:
            reason = f"it holds more than {MAX_PLANES} image planes"
            raise Stop(Outcome.NO_IMAGE, reason=reason)
    if count == 0:
        cubes = [entry.text for entry in seen if entry.kind == "cube"]
        if cubes:
            raise Stop(Outcome.IS_CUBE, reason=cubes[0])
        texts = [entry.text for entry in seen[:6]]
        raise Stop(Outcome.NO_IMAGE, reason="; ".join(texts) or "it is empty")
    return count


def _planes_of(
    hdus: fits.HDUList, number: int, kind: Kind, primary: fits.Header
) -> Iterator[Plane]:
    """Decode one HDU into its planes."""
    hdu = hdus[number]
    blank = _blank_value(hdu.header)
    data = decoded(hdu)
    own, damaged = without_damaged_cards(hdu.header)
    header = merged(without_damaged_cards(primary)[0], own) if number else own
    if data is None:
        raise Stop(Outcome.NO_IMAGE, reason=f"HDU {number} has no pixels")
    name = str(hdu.name) or f"HDU {number}"
    # the HDU list keeps what it decoded; give the memory back as we go
    del hdu.data
    mask, note = _companion(hdus, number, image_sides(data.shape))
    notes = () if note is None else (note,)
    if kind == "colours":
        for colour, image in zip(_COLOURS, colour_images(data), strict=True):
            unusable = _with_blanks(mask, image, blank)
            plane = make_plane(f"{name}, {colour}", header, image, damaged, unusable)
            yield replace(plane, colour=colour, notes=(*notes, *plane.notes))
        return
    image = data.reshape(squeezed(data.shape))
    unusable = _with_blanks(mask, image, blank)
    plane = make_plane(name, header, image, damaged, unusable)
    plane.notes = (*notes, *plane.notes)
    pattern = bayer_pattern(header) if kind == "mosaic" else None
    if pattern is not None:
        yield from colour_planes(plane, pattern)
        return
    if looks_like_mosaic(plane.pixels):
        plane.notes = (*plane.notes, _RAW_COLOUR)
    yield plane


def _blank_value(header: fits.Header) -> float | None:
    """The value that stands for no light, once BZERO is added."""
    blank = number_of(header, "BLANK")
    return None if blank is None else blank + (number_of(header, "BZERO") or 0.0)


def _with_blanks(
    mask: Mask | None, image: npt.NDArray[Any], blank: float | None
) -> Mask | None:
    """The mask with the blanks of unsigned integers, which the decoder leaves in."""
    if blank is None or image.dtype.kind != "u":
        return mask
    blanks: Mask = image == blank
    if not blanks.any():
        return mask
    return blanks if mask is None else mask | blanks


_RAW_COLOUR = (
    "The pixels look like a colour camera's raw frame, but no BAYERPAT card says so: "
    "they are measured as one image of mixed colours."
)


def _companion(
    hdus: fits.HDUList, number: int, shape: tuple[int, int]
) -> tuple[Mask | None, str | None]:
    """The image's mask; one that cannot be read is said and left out."""
    try:
        return mask_of(list(each_hdu(hdus)), number, shape)
    except FITS_ERRORS as error:
        return None, f"The image's mask cannot be read: {first_sentence(error)}."
