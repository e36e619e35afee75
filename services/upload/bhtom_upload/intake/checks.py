"""Looks at a stored file before it is taken: is it a frame that can be reduced?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bhtom_contracts.events.cameras import HeaderKeywords
from bhtom_upload.intake.exposure_dates import dates_told, has_usable_date
from bhtom_upload.intake.fits_headers import Hdu, walk
from bhtom_upload.intake.refusals import FrameRefused
from bhtom_upload.intake.unpacking import (
    OpenedFrame,
    PackedSource,
    Packing,
    too_large_unpacked,
)

# Smaller ones are stamps and tests; no star field can be calibrated on them.
SMALLEST_SIDE_PX: Final = 16


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file was found to hold."""

    packing: Packing
    images: tuple[Hdu, ...]
    primary: Hdu


def look_at(path: Path, max_unpacked_bytes: int) -> Contents:
    """Read a file's headers; raises FrameRefused when it holds no usable image.

    Blocks on the disk and, for a packed file, on unpacking it: run it in a thread.
    """
    with OpenedFrame(path, max_unpacked_bytes) as frame:
        hdus: list[Hdu] = []
        unpacked_bytes = 0
        for hdu in walk(frame.source):
            unpacked_bytes += hdu.image_bytes
            # A packed image says its size long before anybody unpacks it.
            if unpacked_bytes > max_unpacked_bytes:
                raise too_large_unpacked(max_unpacked_bytes)
            if not hdus or _is_frame(hdu):
                hdus.append(hdu)
        if isinstance(frame.source, PackedSource):
            frame.source.finish()
        images = tuple(hdu for hdu in hdus if _is_frame(hdu))
        if not images:
            raise FrameRefused("no_image", _what_instead(hdus))
        return Contents(_packing(frame.packing, images), images, hdus[0])


def check_date(contents: Contents, keywords: HeaderKeywords) -> None:
    """Refuse a frame whose header does not tell when it was taken."""
    headers = [contents.images[0].cards, contents.primary.cards]
    if has_usable_date(headers, keywords, datetime.now(UTC)):
        return
    told = dates_told(headers, keywords)
    found = f"found only {', '.join(told)}" if told else "no date card was found"
    raise FrameRefused(
        "no_usable_date",
        f"The frame does not tell when it was taken: {found}. Write the start of the "
        f"exposure as {keywords.date} = 'YYYY-MM-DDThh:mm:ss' (UTC), or correct the "
        "camera's date and time keywords.",
    )


def _is_frame(hdu: Hdu) -> bool:
    shape = hdu.image_shape
    return len(shape) >= 2 and min(shape[:2]) >= SMALLEST_SIDE_PX and 0 not in shape


def _packing(of_file: Packing, images: Sequence[Hdu]) -> Packing:
    if of_file != "plain":
        return of_file
    return "fpack" if any(hdu.is_compressed_image for hdu in images) else "plain"


def _what_instead(hdus: Sequence[Hdu]) -> str:
    shapes = [" x ".join(map(str, hdu.image_shape)) for hdu in hdus if hdu.image_shape]
    instead = f" Its first image has {shapes[0]} pixels." if shapes else ""
    return (
        "The file holds no two-dimensional image of at least "
        f"{SMALLEST_SIDE_PX} x {SMALLEST_SIDE_PX} pixels.{instead} Upload the frame "
        "itself, not a table or a spectrum."
    )
