"""File names come from outside: only a harmless base name is kept, for people."""

import re
import unicodedata
from typing import Final

from bhtom_upload.intake.refusals import FrameRefused

MAX_LENGTH: Final = 200
_HARMLESS: Final = re.compile(r"[^\w.+=@,()\[\] -]")
_EXTENSION: Final = re.compile(
    r"\.([A-Za-z][A-Za-z0-9]{0,9})(?:\.(gz|fz|bz2|xz|zip))?$", re.I
)
_ACCEPTED: Final = frozenset(
    {"fits", "fit", "fts", "ftt", "ftsc", "gz", "fz", "bz2", "xz", "zip"}
)


def display_name(given: str | None) -> str:
    """A base name that is safe to show, to log and to offer for download."""
    base = re.split(r"[/\\]", given or "")[-1]
    base = _HARMLESS.sub("_", unicodedata.normalize("NFC", base)).strip(" .")
    if not base:
        return "frame.fits"
    if len(base) > MAX_LENGTH:
        stem, dot, extension = base.rpartition(".")
        kept = MAX_LENGTH - len(dot + extension)
        base = stem[:kept] + dot + extension if kept > 0 else base[:MAX_LENGTH]
    return base


def check_extension(name: str) -> None:
    """Refuse a name that promises something else than FITS; no extension is fine."""
    match = _EXTENSION.search(name)
    if match is None or match[1].lower() in _ACCEPTED:
        return
    raise FrameRefused(
        "unsupported_file_name",
        f"'{name}' does not look like a frame by its name. Taken are .fits, .fit, "
        ".fts, .ftt and .ftsc, plain or with .fz, .gz, .bz2, .xz or .zip.",
    )
