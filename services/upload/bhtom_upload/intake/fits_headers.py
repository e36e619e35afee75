"""Walks the headers of a FITS file, and nothing but the headers.

Why not astropy: it would cost every process of this service 42 MB and 0.4 s, it keeps
what it unpacks in memory, and it tells a cut file only by a warning. Here a file is
read once from front to back with a known, small amount of memory, packed or not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Final

from bhtom_upload.intake.refusals import WHAT_TO_UPLOAD, FrameRefused
from bhtom_upload.intake.unpacking import Source

BLOCK: Final = 2880
_CARD: Final = 80
# 36,000 cards; the longest headers seen (mosaics with their processing history) have
# some 4,000.
_MAX_HEADER_BLOCKS: Final = 1000
_MAX_HDUS: Final = 10_000
_MAX_AXES: Final = 999
_BITPIX: Final = frozenset({8, 16, 32, 64, -32, -64})

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Hdu:
    """The header of one HDU: the first card of each keyword."""

    number: int
    cards: Mapping[str, Value]

    @property
    def kind(self) -> str:
        """`PRIMARY`, `IMAGE`, `BINTABLE`, ..."""
        return "PRIMARY" if self.number == 0 else str(self.cards["XTENSION"])

    @property
    def is_compressed_image(self) -> bool:
        """Whether the table holds the tiles of a compressed image."""
        return self.kind == "BINTABLE" and self.cards.get("ZIMAGE") is True

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Sides of the image, the fastest first; empty when there is none."""
        if self.is_compressed_image:
            return self._axes("ZNAXIS")
        if self.kind in ("PRIMARY", "IMAGE") and self.cards.get("GROUPS") is not True:
            return self._axes("NAXIS")
        return ()

    @property
    def image_bytes(self) -> int:
        """What the image takes when it is unpacked."""
        shape = self.image_shape
        name = "ZBITPIX" if self.is_compressed_image else "BITPIX"
        return prod(shape) * abs(self._whole(name)) // 8 if shape else 0

    @property
    def data_bytes(self) -> int:
        """Size of the data that follow the header, without padding."""
        axes = self._axes("NAXIS")
        if not axes:
            return 0
        if axes[0] == 0 and self.cards.get("GROUPS") is True:
            axes = axes[1:]
        bitpix = self._whole("BITPIX")
        if bitpix not in _BITPIX:
            raise self._damaged(f"BITPIX = {bitpix} is none of the allowed values")
        elements = self._whole("PCOUNT", 0) + prod(axes)
        size = abs(bitpix) // 8 * self._whole("GCOUNT", 1) * elements
        if size < 0:
            raise self._damaged("its PCOUNT or GCOUNT is negative")
        return size

    def _axes(self, name: str) -> tuple[int, ...]:
        count = self._whole(name)
        if not 0 <= count <= _MAX_AXES:
            raise self._damaged(f"{name} = {count} is not between 0 and {_MAX_AXES}")
        axes = tuple(self._whole(f"{name}{axis + 1}") for axis in range(count))
        if any(axis < 0 for axis in axes):
            raise self._damaged(f"a side of its image is negative ({name}n)")
        return axes

    def _whole(self, name: str, default: int | None = None) -> int:
        value = self.cards.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._damaged(f"its card {name} is missing or no whole number")
        return value

    def _damaged(self, what: str) -> FrameRefused:
        where = "The first header" if self.number == 0 else f"Header {self.number}"
        return FrameRefused(
            "damaged_header",
            f"{where} of the file is damaged: {what}. Write the frame again with "
            "your camera software.",
        )


def walk(source: Source) -> Iterator[Hdu]:
    """Give the header of each HDU, and see that its data are all there."""
    for number in range(_MAX_HDUS):
        hdu = _read_header(source, number)
        if hdu is None:
            return
        yield hdu
        size = hdu.data_bytes
        missing = size - source.skip(size)
        if missing:
            raise FrameRefused(
                "truncated",
                f"The file is cut short: {missing} of {size} bytes of the image or "
                f"table in HDU {number} are missing. Upload the whole file.",
            )
        # Some software leaves the last block unpadded; nothing is lost by it.
        source.skip(-size % BLOCK)


def _read_header(source: Source, number: int) -> Hdu | None:
    """The next header, or None where the file ends or only other records follow."""
    cards: dict[str, Value] = {}
    for index in range(_MAX_HEADER_BLOCKS):
        block = source.read(BLOCK)
        if index == 0 and not _begins_header(block, number):
            return None
        for start in range(0, len(block), _CARD):
            card = block[start : start + _CARD]
            if card[:8] == b"END     " or card.rstrip() == b"END":
                return Hdu(number, cards)
            _take_card(card, cards)
        if len(block) < BLOCK:
            raise FrameRefused(
                "truncated",
                "The file is cut short: it ends inside a header. Upload the whole "
                "file.",
            )
    raise FrameRefused(
        "damaged_header",
        f"A header of the file has more than {_MAX_HEADER_BLOCKS * BLOCK // _CARD} "
        "cards: it is damaged.",
    )


def _begins_header(block: bytes, number: int) -> bool:
    if number > 0:
        return block.startswith(b"XTENSION=")
    if not block.startswith(b"SIMPLE  ="):
        raise FrameRefused(
            "not_fits",
            "This is not a FITS file: it does not begin with a SIMPLE card. "
            f"{WHAT_TO_UPLOAD}",
        )
    return True


def _take_card(card: bytes, cards: dict[str, Value]) -> None:
    if card[8:10] != b"= ":
        # `XTENSION='IMAGE'` and the like, without the blank, are seen as well.
        if card[8:9] != b"=":
            return
        text = card[9:].decode("latin-1")
    else:
        text = card[10:].decode("latin-1")
    keyword = card[:8].decode("latin-1").rstrip().upper()
    value = _value_of(text)
    if value is not None:
        cards.setdefault(keyword, value)


def _value_of(text: str) -> Value | None:
    """The value of a card, as far as it can be understood."""
    text = text.strip()
    if text.startswith("'"):
        return _quoted(text)
    text = text.partition("/")[0].strip()
    if text in ("T", "F"):
        return text == "T"
    # `int` alone would also take 1_000 and digits of other scripts.
    if text.isascii() and "_" not in text:
        for convert in (int, float):
            try:
                return convert(text.replace("D", "E").replace("d", "e"))
            except ValueError:
                continue
    return text or None


def _quoted(text: str) -> str:
    end = 1
    while (end := text.find("'", end)) != -1:
        if text[end + 1 : end + 2] != "'":
            break
        end += 2
    inside = text[1:] if end == -1 else text[1:end]
    return inside.replace("''", "'").rstrip()
