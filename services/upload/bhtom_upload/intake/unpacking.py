"""Reads a file from front to back, packed or not, with little memory."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Protocol, Self

from bhtom_runtime import unpacking
from bhtom_upload.intake.refusals import FrameRefused

Packing = Literal["plain", "fpack"] | unpacking.Packing


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


class PackedSource:
    """A packed file, unpacked piece by piece and thrown away."""

    def __init__(
        self, file: BinaryIO, packing: unpacking.Packing, max_bytes: int
    ) -> None:
        self._pieces = _pieces(file, packing, max_bytes)
        self._ready = memoryview(b"")

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
        while self._fill():
            pass

    def _fill(self) -> bool:
        """Unpack the next piece; False at the end of the file."""
        self._ready = memoryview(next(self._pieces, b""))
        return bool(self._ready)


def _pieces(
    file: BinaryIO, packing: unpacking.Packing, max_bytes: int
) -> Iterator[bytes]:
    """What a file unpacks to; a refusal where it cannot be used."""
    try:
        yield from unpacking.unpacked(file, packing, max_bytes)
    except unpacking.CutShort as error:
        raise FrameRefused(
            "truncated", "The packed file is cut short. Upload the whole file."
        ) from error
    except unpacking.TooLarge as error:
        raise too_large_unpacked(max_bytes) from error
    except unpacking.CannotUnpack as error:
        raise FrameRefused(
            "cannot_unpack",
            f"The file cannot be used: {error}. Upload the frame uncompressed.",
        ) from error


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
        packing = unpacking.packing_of(self._file.read(unpacking.MAGIC_BYTES))
        self._file.seek(0)
        self.packing: Packing = packing or "plain"
        self.source: PlainSource | PackedSource = (
            PackedSource(self._file, packing, self._max_bytes)
            if packing
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
