"""Reads a file from front to back, packed or not, with little memory."""

import os
import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Literal, Protocol, Self

from bhtom_upload.intake.refusals import FrameRefused

Packing = Literal["plain", "gzip", "fpack"]

GZIP_MAGIC: Final = b"\x1f\x8b"
_CHUNK: Final = 128 * 1024
# Frames shrink to a half or a quarter; an almost empty one with little noise to a
# tenth. Only what was made to explode shrinks beyond this, once it is large.
_SUSPICIOUS_RATIO: Final = 150
_SUSPICIOUS_FROM: Final = 256 << 20


class Source(Protocol):
    """Bytes in order, of which most are skipped."""

    def read(self, size: int) -> bytes:
        """The next bytes; fewer only at the end."""
        ...

    def skip(self, size: int) -> int:
        """Pass over bytes; how many there were."""
        ...


class PlainSource:
    """A file as it lies on the disk."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = os.fstat(file.fileno()).st_size

    def read(self, size: int) -> bytes:
        """The next bytes; fewer only at the end."""
        data = self._file.read(size)
        self._left -= len(data)
        return data

    def skip(self, size: int) -> int:
        """Pass over bytes; how many there were."""
        step = min(size, self._left)
        self._file.seek(step, os.SEEK_CUR)
        self._left -= step
        return step


class GzipSource:
    """A gzipped file, unpacked piece by piece and thrown away."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._unpacker = zlib.decompressobj(wbits=31)
        self._packed = b""
        self._ready = b""
        self._packed_bytes = 0
        self._unpacked_bytes = 0

    def read(self, size: int) -> bytes:
        """The next bytes; fewer only at the end."""
        pieces = []
        while size > 0 and (self._ready or self._fill()):
            piece, self._ready = self._ready[:size], self._ready[size:]
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def skip(self, size: int) -> int:
        """Pass over bytes; how many there were."""
        left = size
        while left > 0 and (self._ready or self._fill()):
            step = min(left, len(self._ready))
            self._ready = self._ready[step:]
            left -= step
        return size - left

    def finish(self) -> None:
        """Unpack what is left, so that its checksum is compared."""
        self._ready = b""
        while self._fill():
            self._ready = b""

    def _fill(self) -> bool:
        """Unpack the next piece; False at the end of the file."""
        while not self._ready:
            if self._unpacker.eof and not self._begin_member():
                return False
            if not self._packed:
                self._packed = self._file.read(_CHUNK)
                self._packed_bytes += len(self._packed)
                if not self._packed:
                    raise FrameRefused(
                        "truncated",
                        "The gzipped file is cut short. Upload the whole file.",
                    )
            self._unpack()
        return True

    def _unpack(self) -> None:
        try:
            self._ready = self._unpacker.decompress(self._packed, _CHUNK)
        except zlib.error as error:
            raise FrameRefused(
                "damaged_gzip",
                f"The file cannot be unpacked ({error}): it was damaged on its way. "
                "Upload it again.",
            ) from error
        self._packed = (
            b"" if self._unpacker.eof else self._unpacker.unconsumed_tail
        ) or self._unpacker.unused_data
        self._unpacked_bytes += len(self._ready)
        self._check_size()

    def _begin_member(self) -> bool:
        """Go on with the next gzip member; padding behind the last one is allowed."""
        rest = self._packed or self._file.read(_CHUNK)
        rest = rest.lstrip(b"\0")
        if not rest.startswith(GZIP_MAGIC):
            return False
        self._packed = rest
        self._unpacker = zlib.decompressobj(wbits=31)
        return True

    def _check_size(self) -> None:
        ratio = self._unpacked_bytes / max(self._packed_bytes, 1)
        exploding = self._unpacked_bytes > _SUSPICIOUS_FROM and (
            ratio > _SUSPICIOUS_RATIO
        )
        if exploding or self._unpacked_bytes > self._max_bytes:
            raise too_large_unpacked(self._max_bytes)


def too_large_unpacked(max_bytes: int) -> FrameRefused:
    """The refusal of what would unpack to more than is allowed."""
    return FrameRefused(
        "unpacks_too_large",
        f"The file unpacks to far more than a frame: at most {max_bytes} bytes are "
        "allowed. Upload the frame uncompressed.",
    )


class OpenedFrame:
    """A file opened for reading, by what it is and not by what it is called."""

    def __init__(self, path: Path, max_unpacked_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_unpacked_bytes

    def __enter__(self) -> Self:
        self._file = self._path.open("rb")
        magic = self._file.read(len(GZIP_MAGIC))
        self._file.seek(0)
        self.is_gzip = magic == GZIP_MAGIC
        self.source: PlainSource | GzipSource = (
            GzipSource(self._file, self._max_bytes)
            if self.is_gzip
            else PlainSource(self._file)
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._file.close()
