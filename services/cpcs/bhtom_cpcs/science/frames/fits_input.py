"""Reads the image planes of a FITS file: plain, compressed, in extensions."""

import hashlib
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop

Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

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
MAX_PLANES = 128
MAX_CUBE_PLANES = 4
SMALLEST_SIDE_PX = 16
# Extensions that go with an image and are not one: masks, weights, uncertainties.
_COMPANION_NAMES = re.compile(
    r"^(MASK|BPM|DQ|DQMASK|UNCERT\w*|ERR|ERROR|VAR\w*|WHT|WEIGHT\w*|IVM|IVAR|WCSCORR|"
    r"WCSDVARR|D2IMARR|WCS\w*|BKG|BACKGROUND|CAT|SEG\w*)$",
    re.IGNORECASE,
)
_WCS_CARDS = re.compile(
    r"^(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA)\d$|^(CD|PC|PV|A|B|AP|BP|WAT)\d?_|"
    r"^(EQUINOX|RADESYS|RADECSYS|LONPOLE|LATPOLE|WCSAXES)$"
)
_DATE_CARDS = ("DATE-OBS", "TIME-OBS", "MJD-OBS", "DATE-AVG", "UT", "EXPTIME")


@dataclass(slots=True)
class Plane:
    """One image of a file: pixels [ADU], mask of unusable ones, merged header.

    Cards that cannot be parsed are not in the header; `damaged_cards` names them.
    """

    name: str
    header: fits.Header
    pixels: Image
    mask: Mask | None
    damaged_cards: tuple[str, ...] = ()


@contextmanager
def open_fits(path: Path) -> Iterator[fits.HDUList]:
    """Open a FITS file without mapping it, or stop with the outcome `unreadable`."""
    if not path.exists():
        raise Stop(Outcome.FRAME_MISSING)
    try:
        hdus = fits.open(path, memmap=False, lazy_load_hdus=True)
    except FITS_ERRORS as error:
        raise Stop(Outcome.UNREADABLE, reason=_short(error)) from error
    try:
        yield hdus
    finally:
        hdus.close()


def read_planes(hdus: fits.HDUList) -> Iterator[Plane]:
    """Give the file's image planes in order, decoding one at a time.

    Raises
    ------
    Stop
        `unreadable`, `image_too_large`, or `no_image` when there is none.
    """
    primary = _primary_header(hdus)
    seen: list[str] = []
    for number, hdu in enumerate(_hdus(hdus)):
        described, is_image = _describe(number, hdu)
        if not is_image:
            seen.append(described)
            continue
        yield from _planes_of(number, hdu, primary)


def plane_count(hdus: fits.HDUList) -> int:
    """Count the image planes without decoding them; stop when there is none."""
    count, seen = 0, []
    for number, hdu in enumerate(_hdus(hdus)):
        described, is_image = _describe(number, hdu)
        if is_image:
            shape = hdu.shape
            count += int(np.prod(shape[:-2])) if len(shape) > 2 else 1
            if count > MAX_PLANES:
                raise Stop(
                    Outcome.NO_IMAGE,
                    reason=f"it holds more than {MAX_PLANES} image planes",
                )
        seen.append(described)
    if count == 0:
        raise Stop(Outcome.NO_IMAGE, reason="; ".join(seen[:6]) or "it is empty")
    return count


def fingerprint(planes: list[bytes], header: fits.Header) -> str:
    """Hash the planes' digests and the date cards: the same for .fz, .gz and plain."""
    digest = hashlib.sha256()
    for plane in planes:
        digest.update(plane)
    for card in _DATE_CARDS:
        digest.update(f"{card}={header.get(card)};".encode())
    return digest.hexdigest()


def pixel_digest(pixels: Image) -> bytes:
    """Hash shape and pixels as little-endian float32."""
    digest = hashlib.sha256(str(pixels.shape).encode())
    little = pixels if pixels.dtype.byteorder in "<=" else pixels.astype("<f4")
    digest.update(np.ascontiguousarray(little).view(np.uint8).data)
    return digest.digest()


def _short(error: BaseException) -> str:
    """Return the first sentence of what the reader says."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = text.partition(". ")[0].rstrip(".")
    if "No SIMPLE card" in text:
        return "it does not begin with a FITS header"
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


def _describe(number: int, hdu: Any) -> tuple[str, bool]:
    """Say what an HDU is and whether it is an image to be measured."""
    name = str(getattr(hdu, "name", "")) or type(hdu).__name__
    if not isinstance(
        hdu, (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)
    ) or isinstance(hdu, fits.GroupsHDU):
        return f"HDU {number} ({name}) is not an image", False
    try:
        shape = tuple(int(side) for side in hdu.shape)
    except FITS_ERRORS as error:
        return f"HDU {number} ({name}) is damaged: {_short(error)}", False
    if len(shape) < 2 or not np.prod(shape):
        return f"HDU {number} ({name}) has no pixels", False
    if number > 0 and _COMPANION_NAMES.match(name):
        return f"HDU {number} ({name}) is a mask or weight", False
    if min(shape[-2:]) < SMALLEST_SIDE_PX:
        return f"HDU {number} ({name}) is only {shape[-1]} x {shape[-2]} pixels", False
    if int(np.prod(shape[:-2])) > MAX_CUBE_PLANES:
        count = int(np.prod(shape[:-2]))
        return f"HDU {number} ({name}) is a cube of {count} images", False
    if shape[-1] * shape[-2] > MAX_PIXELS:
        raise Stop(
            Outcome.IMAGE_TOO_LARGE,
            n_pixels=shape[-1] * shape[-2],
            limit=MAX_PIXELS,
        )
    return f"HDU {number} ({name}) is an image", True


def _planes_of(number: int, hdu: Any, primary: fits.Header) -> Iterator[Plane]:
    """Decode one HDU into its planes."""
    try:
        data = hdu.data
        own, damaged = _without_damaged_cards(hdu.header)
        header = own
        if number:
            header = _merge(_without_damaged_cards(primary)[0], own)
    except Exception as error:  # decompressors raise what they like
        raise Stop(Outcome.UNREADABLE, reason=_short(error)) from error
    if data is None:
        raise Stop(Outcome.NO_IMAGE, reason=f"HDU {number} has no pixels")
    name = str(hdu.name) or f"HDU {number}"
    # the HDU list keeps what it decoded; give the memory back as we go
    if number or data.ndim == 2:
        del hdu.data
    if data.ndim == 2:
        yield _plane(name, header, data, damaged)
        return
    cube = data.reshape(-1, *data.shape[-2:])
    for index, image in enumerate(cube):
        label = name if len(cube) == 1 else f"{name}, image {index + 1} of {len(cube)}"
        yield _plane(label, header, image, damaged)


def _without_damaged_cards(header: fits.Header) -> tuple[fits.Header, tuple[str, ...]]:
    """Copy a header without the cards that cannot be parsed, and name those."""
    copy = header.copy()
    damaged = []
    for index in range(len(copy.cards) - 1, -1, -1):
        card = copy.cards[index]
        try:
            _ = card.value, card.comment
        except (fits.VerifyError, ValueError):
            damaged.append(card.keyword)
            del copy[index]
    return copy, tuple(damaged)


def _merge(primary: fits.Header, extension: fits.Header) -> fits.Header:
    """Give the extension's cards and, behind them, the primary's."""
    merged = extension.copy()
    own_wcs = "CTYPE1" in extension
    skipped = ("SIMPLE", "BITPIX", "EXTEND", "BSCALE", "BZERO", "CHECKSUM", "DATASUM")
    for card in primary.cards:
        keyword = card.keyword
        if not keyword or keyword in ("COMMENT", "HISTORY"):
            continue
        if keyword.startswith("NAXIS") or keyword in skipped or keyword in merged:
            continue
        if own_wcs and _WCS_CARDS.match(keyword):
            continue  # two half solutions make a wrong one
        merged.append(card, end=True)
    return merged


def _plane(
    name: str, header: fits.Header, data: npt.NDArray[Any], damaged: tuple[str, ...]
) -> Plane:
    """Turn decoded pixels into native float32 and mask what is not a number."""
    if data.dtype.kind not in "iuf":
        raise Stop(Outcome.NO_IMAGE, reason=f"{name} holds {data.dtype} values")
    with np.errstate(over="ignore", invalid="ignore"):
        pixels = np.ascontiguousarray(data, dtype=np.float32)
        if data.dtype.kind != "f" or np.isfinite(np.sum(pixels, dtype=np.float64)):
            return Plane(name, header, pixels, None, damaged)
    mask = ~np.isfinite(pixels)
    if pixels is data:
        pixels = pixels.copy()
    pixels[mask] = 0.0
    return Plane(name, header, pixels, mask, damaged)
