"""Unpacks gzip, bzip2, xz and zip piece by piece, within bounds of size and memory.

A file that was taken in has to be one that can be read later: who looks at it first and
who reduces it ask the same code. astropy unpacks whatever it recognises, packed files
inside packed files too, and sets no limit: some kilobytes can become all the memory and
hours of work.
"""

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal, Protocol

Packing = Literal["gzip", "bzip2", "xz", "zip"]

_CHUNK: Final = 1 << 20
# Frames shrink to a half or a quarter, almost empty ones to a tenth. Only what was
# made to explode shrinks beyond this, once it is large.
_SUSPICIOUS_RATIO: Final = 150
_SUSPICIOUS_FROM: Final = 256 << 20
# xz -9 asks for 65 MB; a file may ask for gigabytes.
_XZ_MEMORY: Final = 80 << 20
_MAGIC: Final[tuple[tuple[bytes, Packing], ...]] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"PK\x03\x04", "zip"),
)
MAGIC_BYTES: Final = 6
_ZIP_HEAD: Final = struct.Struct("<4s5H3I2H")
_ZIP_NEXT: Final = b"PK\x03\x04"
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _SIZE_BEHIND = 1, 8
_DESCRIPTOR_BYTES: Final = 24


class CannotUnpack(Exception):
    """Why a packed file cannot be used, in words that follow a colon."""


class CutShort(CannotUnpack):
    """Its end is missing."""

    def __init__(self) -> None:
        super().__init__("the packed file was cut short")


class TooLarge(CannotUnpack):
    """It unpacks to more than is taken, or was made to explode."""


class _Unpacker(Protocol):
    """What the decompressors of the standard library have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


@dataclass(slots=True)
class _Stream:
    """A decompressor that is fed and bounded alike whatever it unpacks."""

    unpacker: _Unpacker
    decompress: Callable[[bytes, int], bytes]

    def give(self, packed: bytes) -> tuple[bytes, bytes]:
        """Unpack at most a piece; also what was not yet looked at."""
        out = self.decompress(packed, _CHUNK)
        if self.unpacker.eof:
            return out, self.unpacker.unused_data
        return out, getattr(self.unpacker, "unconsumed_tail", b"")

    @property
    def is_hungry(self) -> bool:
        """Whether nothing more comes out without more going in."""
        return bool(getattr(self.unpacker, "needs_input", True))


def packing_of(beginning: bytes) -> Packing | None:
    """How a file is packed by its first `MAGIC_BYTES`, None where it is not."""
    for magic, packing in _MAGIC:
        if beginning.startswith(magic):
            return packing
    return None


def may_be_packed(beginning: bytes) -> bool:
    """Whether the first bytes, however few, can be those of a packed file."""
    return any(beginning[: len(m)] == m[: len(beginning)] for m, _ in _MAGIC)


def unpacked(file: BinaryIO, packing: Packing, max_bytes: int) -> Iterator[bytes]:
    """Give a packed file's content in pieces of at most a megabyte.

    Streams one after another count as one, as all these programs read them; of a zip
    archive there may be one file in it.

    Raises
    ------
    CannotUnpack
        For more than `max_bytes`, for what was made to explode, for damaged files.
    """
    total = 0
    try:
        for piece in _pieces(file, packing):
            total += len(piece)
            if total > max_bytes:
                raise TooLarge(f"it unpacks to more than {max_bytes >> 20} MB")
            explodes = total > _SUSPICIOUS_RATIO * max(file.tell(), 1)
            if total > _SUSPICIOUS_FROM and explodes:
                raise TooLarge("it unpacks to far more than any frame shrinks by")
            yield piece
    except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError) as error:
        if isinstance(error, lzma.LZMAError) and "emory" in str(error):
            raise CannotUnpack("unpacking it takes too much memory") from error
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk, not the file
        raise CannotUnpack(
            "it cannot be unpacked: it was damaged on its way"
        ) from error


def _pieces(file: BinaryIO, packing: Packing) -> Iterator[bytes]:
    rest = b""
    if packing == "zip":
        stored = _begin_zip(file)
        if stored is not None:
            yield from _stored(file, stored)
            _refuse_more(file, b"")
            return
    magic = next(magic for magic, name in _MAGIC if name == packing)
    while True:
        stream = _stream(packing)
        while not stream.unpacker.eof:
            if not rest and stream.is_hungry:
                rest = file.read(_CHUNK)
                if not rest:
                    raise CutShort
            piece, rest = stream.give(rest)
            if piece:
                yield piece
        if packing == "zip":
            _refuse_more(file, rest)
            return
        rest = (rest or file.read(_CHUNK)).lstrip(b"\0")
        if len(rest) < MAGIC_BYTES:
            rest += file.read(_CHUNK)
        if not rest.startswith(magic):
            return


def _stream(packing: Packing) -> _Stream:
    if packing == "bzip2":
        bzip2 = bz2.BZ2Decompressor()
        return _Stream(bzip2, bzip2.decompress)
    if packing == "xz":
        xz = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        return _Stream(xz, xz.decompress)
    deflate = zlib.decompressobj(wbits=31 if packing == "gzip" else -15)
    return _Stream(deflate, deflate.decompress)


def _begin_zip(file: BinaryIO) -> int | None:
    """Read the head of an archive's first file; its size where it is only stored.

    The list at the archive's end is not read: it may be as large as the archive.
    """
    head = file.read(_ZIP_HEAD.size)
    if len(head) < _ZIP_HEAD.size:
        raise CutShort
    _, _, flags, method, _, _, _, size, _, n_name, n_extra = _ZIP_HEAD.unpack(head)
    name = file.read(n_name)
    file.read(n_extra)
    if flags & _ENCRYPTED:
        raise CannotUnpack("it is a zip archive with a password")
    unusual = method not in (_STORED, _DEFLATED) or name.endswith(b"/")
    if unusual or (method == _STORED and flags & _SIZE_BEHIND):
        raise CannotUnpack("it is an unusual zip archive; pack the frame with gzip")
    return int(size) if method == _STORED else None


def _stored(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        piece = file.read(min(size, _CHUNK))
        if not piece:
            raise CutShort
        size -= len(piece)
        yield piece


def _refuse_more(file: BinaryIO, rest: bytes) -> None:
    """Stop where another file follows in the archive: which one would be meant?"""
    behind = (rest + file.read(_DESCRIPTOR_BYTES + 4096))[:4096]
    at = behind.find(_ZIP_NEXT, 0, _DESCRIPTOR_BYTES + len(_ZIP_NEXT))
    if at < 0 or len(behind) < at + _ZIP_HEAD.size:
        return
    n_name = _ZIP_HEAD.unpack_from(behind, at)[9]
    name = behind[at + _ZIP_HEAD.size :][:n_name]
    if not name.startswith(b"__MACOSX/"):
        raise CannotUnpack("it is a zip archive of several files; send them one by one")
