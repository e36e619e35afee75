"""Opens FITS files of any packing, and walks what can be read of them."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO

from astropy.io import fits

from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop
from bhtom_runtime.unpacking import (
    MAGIC_BYTES,
    CannotUnpack,
    Packing,
    packing_of,
    unpacked,
)

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
# A mosaic of 60 chips of 4k x 2k in float32 takes 2 GB.
MAX_UNPACKED_BYTES = 4 << 30
_LZW = b"\x1f\x9d"


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
        raise Stop(Outcome.UNREADABLE, reason=first_sentence(error)) from error
    try:
        yield hdus
    finally:
        hdus.close()


def each_hdu(hdus: fits.HDUList) -> Iterator[Any]:
    """Walk the HDUs; a damaged tail ends the walk, a damaged start is unreadable."""
    number = 0
    while number < 10_000:
        try:
            hdu = hdus[number]
        except IndexError:
            break
        except FITS_ERRORS as error:
            if number == 0:
                raise Stop(Outcome.UNREADABLE, reason=first_sentence(error)) from error
            break
        yield hdu
        number += 1
    if number == 0:
        raise Stop(Outcome.UNREADABLE, reason="it holds no header")


def primary_header(hdus: fits.HDUList) -> fits.Header:
    try:
        return hdus[0].header
    except FITS_ERRORS as error:
        raise Stop(Outcome.UNREADABLE, reason=first_sentence(error)) from error


def first_sentence(error: BaseException) -> str:
    """Return the first sentence of what the reader says."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = text.partition(". ")[0].rstrip(".")
    if "No SIMPLE card" in text:
        return "it does not begin with a FITS header"
    if "cannot reshape array" in text or "buffer is too small" in text:
        return "it ends before its pixels do"
    return text if len(text) <= 160 else text[:157] + "..."
