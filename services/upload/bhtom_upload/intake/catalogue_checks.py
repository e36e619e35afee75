"""Looks at an instrumental catalogue before it is taken: is it a table at all?

What its columns mean is found out in the calibration, which says so in a sentence.
Here only what nobody could use is refused, with little memory and without libraries.
"""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bhtom_contracts.events.cameras import HeaderKeywords
from bhtom_upload.intake.exposure_dates import has_usable_date
from bhtom_upload.intake.fits_headers import Hdu, walk
from bhtom_upload.intake.refusals import FrameRefused
from bhtom_upload.intake.unpacking import (
    OpenedFrame,
    PackedSource,
    Packing,
    PlainSource,
)

# 50,000 sources of 50 columns take some 30 MB of text.
MAX_CATALOGUE_BYTES: Final = 100_000_000
# Two of the longest lines that a reader takes.
_HEAD_BYTES: Final = 256 * 1024
_FITS_MAGIC: Final = b"SIMPLE  ="
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LDAC_HEADER: Final = "LDAC_IMHEAD"
_DATE_LINE: Final = re.compile(rb"^#\s*(DATE-OBS|MJD-OBS|JD)\s*[:=]", re.MULTILINE)
# Numbers as programs write them, decimal commas and sexagesimal angles among them.
_NUMBER: Final = re.compile(
    r"[-+]?(\d{1,40}([.,]\d{0,40})?|[.,]\d{1,40})([eEdD][-+]?\d{1,4})?"
    r"|[-+]?\d{1,3}(:\d{1,2}(\.\d{0,20})?){1,2}"
)
_DELIMITERS: Final = (",", ";", "\t", "|")
# A position and a brightness.
_FEWEST_NUMBERS: Final = 3
_XML_HEAD: Final = 4096


@dataclass(frozen=True, slots=True)
class TableContents:
    """How the catalogue is packed, and whether it tells when it was taken."""

    packing: Packing
    tells_time: bool


def look_at_table(path: Path, keywords: HeaderKeywords) -> TableContents:
    """Read as much as it takes to see a table; raises FrameRefused for anything else.

    Blocks on the disk: run it in a thread.
    """
    with OpenedFrame(path, MAX_CATALOGUE_BYTES) as file:
        packing = file.packing
        if packing == "plain" and path.stat().st_size > MAX_CATALOGUE_BYTES:
            raise FrameRefused(
                "too_large",
                f"The catalogue is larger than {MAX_CATALOGUE_BYTES // 1_000_000} MB.",
            )
        head = file.source.read(_HEAD_BYTES)
        _finish(file.source)
    if head.startswith(_FITS_MAGIC):
        with OpenedFrame(path, MAX_CATALOGUE_BYTES) as file:
            hdus = list(walk(file.source))
        return TableContents(packing, _table_tells_time(hdus, keywords))
    _refuse_no_table(head)
    return TableContents(packing, _DATE_LINE.search(head) is not None)


def _finish(source: PlainSource | PackedSource) -> None:
    """See that a packed file is whole."""
    if isinstance(source, PackedSource):
        source.finish()


def _table_tells_time(hdus: Sequence[Hdu], keywords: HeaderKeywords) -> bool:
    tables = [
        hdu
        for hdu in hdus
        if hdu.kind == "BINTABLE"
        and not hdu.is_compressed_image
        and hdu.cards.get("NAXIS2") != 0
    ]
    if not tables:
        if any(hdu.image_shape for hdu in hdus):
            raise FrameRefused(
                "is_a_frame",
                "The file holds an image and no table of sources: upload it as a frame "
                "(fits_file), to have its sources measured here.",
            )
        raise FrameRefused("no_table", "The FITS file holds no table with rows.")
    if any(hdu.cards.get("EXTNAME") == _LDAC_HEADER for hdu in tables):
        return True
    headers = [hdus[0].cards, *(hdu.cards for hdu in tables)]
    return has_usable_date(headers, keywords, datetime.now(UTC))


def _refuse_no_table(head: bytes) -> None:
    """Refuse what no reader of the calibration can take for a table of sources."""
    text = _text_of(head)
    if text is not None and (_is_votable(text) or _may_hold_rows(text)):
        return
    raise FrameRefused(
        "not_a_catalogue",
        "This is no table of sources: send SExtractor's ASCII_HEAD, DAOPHOT, CSV, "
        "ECSV, VOTable, or a FITS table (FITS_1.0, FITS_LDAC, BANZAI).",
    )


def _text_of(head: bytes) -> str | None:
    """The file's beginning as text, None where it is binary."""
    if head.startswith(_UTF16):
        return head.decode("utf-16", errors="replace")
    return None if b"\0" in head else head.decode("latin-1")


def _is_votable(text: str) -> bool:
    return text.lstrip("\ufeff\xef\xbb\xbf \r\n\t").startswith("<") and (
        "<VOTABLE" in text[:_XML_HEAD]
    )


def _may_hold_rows(text: str) -> bool:
    """Whether a row of numbers is seen, or could still come behind the comments."""
    lines = [
        line for line in text.splitlines() if line.strip() and not line.startswith("#")
    ]
    if not lines:
        return "#" in text
    return any(_is_row(line) for line in lines)


def _is_row(line: str) -> bool:
    """Whether it holds three numbers at least, and not only among words of a text."""
    for delimiter in _DELIMITERS:
        if sum(map(_is_number, line.split(delimiter))) >= _FEWEST_NUMBERS:
            return True
    fields = line.split()
    count = sum(map(_is_number, fields))
    return count >= _FEWEST_NUMBERS and 2 * count >= len(fields)


def _is_number(field: str) -> bool:
    return _NUMBER.fullmatch(field.strip("\"' \t")) is not None
