"""Rules of observatories and cameras."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from bhtom_contracts.camera_bounds import FIGURES, impossible_figures, is_possible
from bhtom_contracts.events.cameras import LearnedFigures
from bhtom_runtime.errors import Invalid

MAX_NAME: Final = 100
_NAME: Final = re.compile(r"^[\w][\w .+-]*$")
# A FITS keyword of 8 characters, or a HIERARCH one.
_KEYWORD: Final = re.compile(r"^[A-Z0-9_-]{1,8}$|^HIERARCH( [A-Z0-9_-]+)+$")


def checked_part_name(field: str, name: str) -> str:
    """The name of an observatory or a camera, fit to be a part of an ONAME."""
    tidy = unicodedata.normalize("NFC", " ".join(name.split()))
    if not _NAME.match(tidy) or len(tidy) > MAX_NAME:
        raise Invalid(
            f"{field}: use 1 to {MAX_NAME} letters, digits, spaces and the characters "
            "_ . + - only, beginning with a letter or a digit.",
            code="invalid_name",
        )
    return tidy


def oname_of(observatory_name: str, camera_name: str) -> str:
    """`ROAD_QHY600M`: how uploads name a camera; it never changes."""
    return f"{observatory_name}_{camera_name}"


def checked_keyword(field: str, keyword: str) -> str:
    """A FITS header keyword in capitals."""
    tidy = " ".join(keyword.upper().split())
    if not _KEYWORD.match(tidy) or len(tidy) > 68:
        raise Invalid(
            f"{field}: '{ascii(keyword)[1:60]}' is no FITS keyword; use up to 8 "
            "letters, digits, - and _.",
            code="invalid_keyword",
        )
    return tidy


def checked_text(field: str, text: str, longest: int = 2000) -> str:
    """Free text without control characters but line ends."""
    tidy = unicodedata.normalize("NFC", text.strip())
    if len(tidy) > longest or any(
        unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r\t" for c in tidy
    ):
        raise Invalid(f"{field}: use at most {longest} printable characters.")
    return tidy


def check_figures(values: Mapping[str, Any]) -> None:
    """Refuse what no camera can have, before a version of it is made."""
    wrong = [
        f"{name}: {values[name]:g} is not within {bounds[0]:g} and {bounds[1]:g}."
        for name, bounds in FIGURES.items()
        if values.get(name) is not None and not is_possible(values[name], bounds)
    ]
    learned = values.get("learned")
    if learned is not None:
        found = impossible_figures(LearnedFigures.model_validate(learned))
        wrong += [f"learned {sentence}" for sentence in found]
    if wrong:
        raise Invalid(" ".join(wrong[:5]), code="impossible_camera")
