"""Rules of targets: what may be called how, and which values make sense."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from bhtom_runtime.errors import Invalid

DUPLICATE_RADIUS_ARCSEC: Final = 3.0
MAX_NAME: Final = 100
MAX_ALIAS: Final = 200
MAX_ALIASES: Final = 50
MAX_DESCRIPTION: Final = 2000

CLASSIFICATIONS: Final = (
    "Unknown", "Be-star outburst", "AGN", "BL Lac", "CV", "CEPH", "EB", "Galaxy",
    "GWOC", "LPV", "LBV", "M-dwarf flare", "Microlensing Event", "Nova",
    "Peculiar Supernova", "Planetary Transit", "QSO", "RCrB", "RR Lyrae Variable",
    "SSO", "Star", "SN", "SLSN", "Supernova impostor", "Symbiotic star", "TDE",
    "Variable star-other", "XRB", "Xray-transient", "YSO",
)  # fmt: skip
_CLASSIFICATION_BY_KEY: Final = {name.casefold(): name for name in CLASSIFICATIONS}

_FORBIDDEN: Final = "()/\\:,"
_WEB_ADDRESS: Final = re.compile(
    r"(https?|ftp)\b.{0,3}//|\bwww\.|\?[^\s]*=|\.(com|org|net|edu|gov|io|html?)\b",
    re.IGNORECASE,
)
_MARKUP: Final = re.compile(r"[<>]|&#?\w{1,31};")


def checked_name(name: str) -> str:
    """A target's name in the form that is stored; raises Invalid."""
    tidy = _tidy("name", name, MAX_NAME)
    if not tidy:
        raise _bad_name("Target name is empty; give it one.")
    if _WEB_ADDRESS.search(tidy):
        raise _bad_name("Target name cannot contain web addresses or query strings.")
    if any(character in _FORBIDDEN for character in tidy):
        raise _bad_name("Target name cannot contain any of: ( ) / \\ : ,")
    if tidy.isdecimal():
        raise _bad_name(
            "Target name cannot be a bare number: it would be taken for an id."
        )
    if not any(character.isalnum() for character in tidy):
        raise _bad_name("Target name must contain a letter or a digit.")
    return tidy


def checked_aliases(aliases: Iterable[str], name: str) -> list[str]:
    """Other names, each once and without the main one; raises Invalid.

    They come from catalogues, so brackets, colons and commas are allowed.
    """
    found: dict[str, str] = {}
    for alias in aliases:
        tidy = _tidy("aliases", alias, MAX_ALIAS)
        if tidy:
            found.setdefault(name_key(tidy), tidy)
    found.pop(name_key(name), None)
    if len(found) > MAX_ALIASES:
        raise Invalid(f"aliases: give at most {MAX_ALIASES}.", code="invalid_aliases")
    return list(found.values())


def name_key(name: str) -> str:
    """What names are compared by: `gaia 21abc ` is `Gaia 21abc`."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(folded.replace("\0", "\ufffd").split())


def checked_classification(text: str) -> str:
    """One of the classes, whatever the case of its letters; raises Invalid."""
    found = _CLASSIFICATION_BY_KEY.get(" ".join(text.split()).casefold())
    if found is None:
        raise Invalid(
            f"classification: '{text[:60]}' is not one of "
            f"{', '.join(CLASSIFICATIONS)}.",
            code="invalid_classification",
        )
    return found


def checked_description(text: str) -> str:
    """Free text without control characters but line ends; raises Invalid."""
    normal = unicodedata.normalize("NFC", text.strip())
    if len(normal) > MAX_DESCRIPTION:
        raise Invalid(
            f"description: use at most {MAX_DESCRIPTION} characters.",
            code="invalid_description",
        )
    if any(
        unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r\t" for c in normal
    ):
        raise Invalid(
            "description: remove the control characters.", code="invalid_description"
        )
    return normal


def _tidy(field: str, text: str, longest: int) -> str:
    tidy = unicodedata.normalize("NFC", " ".join(text.split()))
    if len(tidy) > longest:
        raise Invalid(f"{field}: use at most {longest} characters.", code=_code(field))
    # Control and format characters: invisible ones would make look-alike names.
    if any(unicodedata.category(character)[0] == "C" for character in tidy):
        raise Invalid(
            f"{field}: '{ascii(tidy)[1:-1]}' contains control or invisible characters; "
            "remove them.",
            code=_code(field),
        )
    if _MARKUP.search(tidy):
        raise Invalid(f"{field}: HTML is not allowed.", code=_code(field))
    return tidy


def _code(field: str) -> str:
    return "invalid_name" if field == "name" else f"invalid_{field}"


def _bad_name(sentence: str) -> Invalid:
    return Invalid(f"name: {sentence}", code="invalid_name")
