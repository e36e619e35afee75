"""Reads the image planes of a FITS file: plain, compressed, in extensions."""

import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, Literal

import numpy as np
from astropy.io import fits

from bhtom_cpcs.science.frames.bayer import (
    bayer_pattern,
    colour_planes,
    is_mosaic,
    looks_like_mosaic,
)
from bhtom_cpcs.science.frames.companions import COMPANION, mask_of
from bhtom_cpcs.science.frames.cubes import (
    colour_images,
    image_sides,
    is_colour_image,
    squeezed,
)
from bhtom_cpcs.science.frames.headers import merged, without_damaged_cards
from bhtom_cpcs.science.frames.planes import Colour, Image, Mask, Plane, make_plane
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop
from bhtom_runtime.unpacking import (
    MAGIC_BYTES,
    CannotUnpack,
    Packing,
    packing_of,
    unpacked,
)

__all__ = ["FITS_ERRORS", "Image", "Mask", "Plane", "open_fits", "read_planes"]

# What astropy and its decompressors raise on damaged files (seen on the odd samples).
FITS_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    AssertionError,
    NotImplementedError,
    ImportError,
    zlib.error,
    fits.VerifyError,
)
MAX_PIXELS = 250_000_000
# A mosaic of 60 chips of 4k x 2k in float32 takes 2 GB.
MAX_UNPACKED_BYTES = 4 << 30
MAX_PLANES = 128
SMALLEST_SIDE_PX = 16
_COLOURS: tuple[Colour, ...] = ("R", "G", "B")
_LZW = b"\x1f\x9d"

Kind = Literal["image", "colours", "mosaic", "cube", "other"]


@dataclass(frozen=True, slots=True)
class _Described:
    """What an HDU is, in words and for the reader."""

    text: str
    kind: Kind

    @property
    def n_planes(self) -> int:
        return {"image": 1, "colours": 3, "mosaic": 3}.get(self.kind, 0)


@contextmanager
def open_fits(path: Path) -> Iterator[fits.HDUList]:
    """Open a FITS file without mapping it, or stop with the outcome `unreadable`.

    A packed one is unpacked once, into a temporary file: every later look at one of
    its images is a seek.
    """
    if not path.exists():
        raise Stop(Outcome.FRAME_MISSING)
    with path.open("rb") as packed:
        beginning = packed.read(MAGIC_BYTES)
        packed.seek(0)
        if beginning.startswith(_LZW):
            reason = "it is packed with compress (.Z); unpack it, or pack it with gzip"
            raise Stop(Outcome.UNREADABLE, reason=reason)
        packing = packing_of(beginning)
        if packing is None:
            with _hdus_of(path) as hdus:
                yield hdus
            return
        with TemporaryFile() as plain:
            _unpack(packed, packing, plain)
            # astropy wants a file that is open for reading only
            with (
                open(plain.fileno(), "rb", closefd=False) as file,
                _hdus_of(file) as hdus,
            ):
                yield hdus


def _unpack(packed: BinaryIO, packing: Packing, plain: IO[bytes]) -> None:
    try:
        for piece in unpacked(packed, packing, MAX_UNPACKED_BYTES):
            plain.write(piece)
    except CannotUnpack as problem:
        raise Stop(Outcome.UNREADABLE, reason=str(problem)) from problem
    plain.flush()
    plain.seek(0)
    if packing_of(plain.read(MAGIC_BYTES)) is not None:
        raise Stop(Outcome.UNREADABLE, reason="it was packed twice")
    plain.seek(0)


@contextmanager
def _hdus_of(file: Path | IO[bytes]) -> Iterator[fits.HDUList]:
    try:
        hdus = fits.open(file, memmap=False, lazy_load_hdus=True)
    except FITS_ERRORS as error:
        raise Stop(Outcome.UNREADABLE, reason=_short(error)) from error
    try:
        yield hdus
    finally:
        hdus.close()


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
    primary = _primary_header(hdus)
    first = 0
    for number, hdu in enumerate(_hdus(hdus)):
        described = _describe(number, hdu, primary)
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
    primary = _primary_header(hdus)
    count, seen = 0, []
    for number, hdu in enumerate(_hdus(hdus)):
        described = _describe(number, hdu, primary)
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


def _short(error: BaseException) -> str:
    """Return the first sentence of what the reader says."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = text.partition(". ")[0].rstrip(".")
    if "No SIMPLE card" in text:
        return "it does not begin with a FITS header"
    if "cannot reshape array" in text or "buffer is too small" in text:
        return "it ends before its pixels do"
    return text if len(text) <= 160 else text[:157] + "..."


def _hdus(hdus: fits.HDUList) -> Iterator[Any]:
    """Walk the HDUs; a damaged tail ends the walk, a damaged start is unreadable."""
    number = 0
    while number < 10_000:
        try:
            hdu = hdus[number]
        except IndexError:
            break
        except FITS_ERRORS as error:
            if number == 0:
                raise Stop(Outcome.UNREADABLE, reason=_short(error)) from error
            break
        yield hdu
        number += 1
    if number == 0:
        raise Stop(Outcome.UNREADABLE, reason="it holds no header")


def _primary_header(hdus: fits.HDUList) -> fits.Header:
    try:
        return hdus[0].header
    except FITS_ERRORS as error:
        raise Stop(Outcome.UNREADABLE, reason=_short(error)) from error


def _describe(number: int, hdu: Any, primary: fits.Header) -> _Described:
    """Say what an HDU is and how many planes it gives."""
    name = str(getattr(hdu, "name", "")) or type(hdu).__name__
    here = f"HDU {number} ({name})"
    if not isinstance(
        hdu, (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)
    ) or isinstance(hdu, fits.GroupsHDU):
        return _Described(f"{here} is not an image", "other")
    try:
        shape = tuple(int(side) for side in hdu.shape)
    except FITS_ERRORS as error:
        return _Described(f"{here} is damaged: {_short(error)}", "other")
    if len(shape) < 2 or not np.prod(shape):
        return _Described(f"{here} has no pixels", "other")
    if number > 0 and COMPANION.match(name):
        return _Described(f"{here} is a mask or weight", "other")
    height, width = image_sides(shape)
    if min(height, width) < SMALLEST_SIDE_PX:
        return _Described(f"{here} is only {width} x {height} pixels", "other")
    _refuse_too_large(height * width)
    if len(squeezed(shape)) > 2:
        header, _ = without_damaged_cards(hdu.header)
        if is_colour_image(header, shape):
            # its colours are decoded together
            _refuse_too_large(int(np.prod(shape)))
            return _Described(f"{here} is a colour image", "colours")
        count = int(np.prod(squeezed(shape)[:-2]))
        return _Described(f"{here} is a cube of {count} images", "cube")
    if _pattern(hdu, number, primary) is not None:
        return _Described(f"{here} is a raw colour image", "mosaic")
    return _Described(f"{here} is an image", "image")


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
    data = _decoded(hdu)
    return pattern if is_mosaic(data) else None


def _decoded(hdu: Any) -> Any:
    try:
        return hdu.data
    except Exception as error:  # decompressors raise what they like
        raise Stop(Outcome.UNREADABLE, reason=_short(error)) from error


def _planes_of(
    hdus: fits.HDUList, number: int, kind: Kind, primary: fits.Header
) -> Iterator[Plane]:
    """Decode one HDU into its planes."""
    hdu = hdus[number]
    data = _decoded(hdu)
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
            plane = make_plane(f"{name}, {colour}", header, image, damaged, mask)
            yield replace(plane, colour=colour, notes=(*notes, *plane.notes))
        return
    image = data.reshape(squeezed(data.shape))
    plane = make_plane(name, header, image, damaged, mask)
    plane.notes = (*notes, *plane.notes)
    pattern = bayer_pattern(header) if kind == "mosaic" else None
    if pattern is not None:
        yield from colour_planes(plane, pattern)
        return
    if looks_like_mosaic(plane.pixels):
        plane.notes = (*plane.notes, _RAW_COLOUR)
    yield plane


_RAW_COLOUR = (
    "The pixels look like a colour camera's raw frame, but no BAYERPAT card says so: "
    "they are measured as one image of mixed colours."
)


def _companion(
    hdus: fits.HDUList, number: int, shape: tuple[int, int]
) -> tuple[Mask | None, str | None]:
    """The image's mask; one that cannot be read is said and left out."""
    try:
        return mask_of(list(_hdus(hdus)), number, shape)
    except FITS_ERRORS as error:
        return None, f"The image's mask cannot be read: {_short(error)}."
