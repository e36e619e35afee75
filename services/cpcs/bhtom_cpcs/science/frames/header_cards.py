"""Reads single cards of a header whose values may be anything."""

import re
from collections.abc import Iterable
from math import isfinite

from astropy.io import fits

_NUMBER = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?)")
_SEXAGESIMAL = re.compile(
    r"^\s*([-+]?)(\d{1,3})[\s:dh]+(\d{1,2}(?:\.\d*)?)(?:[\s:m']+(\d{1,2}(?:\.\d*)?))?"
)
# Two cards of text; whoever writes more into a comment says it in the beginning.
_LONGEST_COMMENT = 160


def text_of(header: fits.Header, card: str) -> str | None:
    """A card's value as text without its blanks; None when it says nothing."""
    if not card:
        return None
    try:
        value = header.get(card)
    except (fits.VerifyError, ValueError, KeyError):
        return None
    if value is None or isinstance(value, fits.card.Undefined):
        return None
    return str(value).strip() or None


def number_of(header: fits.Header, card: str) -> float | None:
    """A card's value as a finite number; its text may begin with one ("300 s")."""
    text = text_of(header, card)
    match = _NUMBER.match(text) if text is not None else None
    if match is None:
        return None
    value = float(match[1].replace("d", "e").replace("D", "e"))
    return value if isfinite(value) else None


def first_number(header: fits.Header, cards: Iterable[str]) -> float | None:
    """The first of the cards that holds a number above zero."""
    for card in cards:
        value = number_of(header, card)
        if value is not None and value > 0:
            return value
    return None


def first_text(header: fits.Header, cards: Iterable[str]) -> str | None:
    """The first of the cards that says something."""
    for card in cards:
        text = text_of(header, card)
        if text is not None:
            return text
    return None


def comment_of(header: fits.Header, card: str) -> str:
    """A card's comment, empty where there is none; one of many cards is cut."""
    try:
        return str(header.comments[card])[:_LONGEST_COMMENT] if card in header else ""
    except (fits.VerifyError, ValueError, KeyError):
        return ""


def degrees_of(header: fits.Header, card: str) -> float | None:
    """An angle in degrees, written as a number or as degrees, minutes, seconds."""
    text = text_of(header, card)
    if text is None:
        return None
    match = _SEXAGESIMAL.match(text)
    if match is None:
        return number_of(header, card)
    value = int(match[2]) + float(match[3]) / 60 + float(match[4] or 0) / 3600
    return -value if match[1] == "-" else value
