"""Headers whose clock was a local one: which cards say so, and how far it was ahead."""

import re
from dataclasses import dataclass
from typing import Final

from astropy.io import fits

from bhtom_cpcs.science.frames.header_cards import comment_of, text_of

# N.I.N.A. and SGP, TheSkyX, NOAO
LOCAL_DATES: Final = ("DATE-LOC", "DATE_LOC", "DATELOC", "LOCALTIM", "LOC-DATE")
LOCAL_CLOCKS: Final = ("LOCTIME", "LOC-TIME", "TIME-LOC", "TIME_LOC", "LTIME", "LT")
_OFFSET_CARDS: Final = (
    "TIMEZONE",
    "TIME_ZON",
    "TIMEZON",
    "TZONE",
    "ZONE",
    "TZ",
    "TZOFFSET",
    "UTCOFFS",
    "UTCOFFST",
    "UTC-OFF",
    "UTCOFF",
    "UTOFFSET",
    "UT_OFFS",
    "UT-OFFS",
    "UTOFFS",
    "GMTOFFS",
    "GMTOFFST",
    "TIMEOFFS",
    "TIMEOFF",
    "LTOFFSET",
    "OGE GEO TIMEZONE",
)
_SAYS_UTC = re.compile(
    r"(?<!not )(?<!not in )\b(?:UT[C1]?|GMT|zulu|universal time|greenwich)\b"
    r"(?!\s*[+-]\s*\d{1,2}(?![\d.]))",
    re.IGNORECASE,
)
_SAYS_LOCAL = re.compile(
    r"(?<!not )\blocal\b(?!\s+(?:sidereal|mean|file|disk|host|name|archive))|"
    r"\bcivil time\b|\b(?:UTC?|GMT)\s*[+-]\s*\d{1,2}(?![\d.])",
    re.IGNORECASE,
)
_LOCAL_SYSTEM = re.compile(r"^(?:local|lt\b|civil)|^(?:UTC?|GMT)\s*[+-]\s*\d", re.I)
_UTC_SYSTEM = re.compile(r"^(?:UTC?|GMT|Z)$", re.IGNORECASE)
# Abbreviations that mean one offset only (IANA time zone database, 2025b). BST, CST
# and IST have several meanings, HST is a telescope too.
_NAMED_ZONES: Final = {
    "CET": 1.0,
    "CEST": 2.0,
    "EET": 2.0,
    "EEST": 3.0,
    "MSK": 3.0,
    "SAST": 2.0,
    "JST": 9.0,
    "AEST": 10.0,
    "AEDT": 11.0,
    "ACST": 9.5,
    "NZST": 12.0,
    "NZDT": 13.0,
    "EDT": -4.0,
    "CDT": -5.0,
    "MDT": -6.0,
    "PDT": -7.0,
    "MST": -7.0,
    "PST": -8.0,
}
_ZONE_NAME = re.compile(rf"\b(?:{'|'.join(_NAMED_ZONES)})\b")
_FROM_UTC = re.compile(
    r"(?:\b(?:UTC?|GMT)\s*([+-])\s*|^\s*([+-]))(\d{1,2})(?::?(\d{2}))?"
    r"(?![\d.])",
    re.IGNORECASE,
)
_TO_UTC = re.compile(
    r"\bUTC?\s*=\s*(?:local|LT)(?:\s+time)?\s*([+-])\s*(\d{1,2})(?::?(\d{2}))?\b",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"\+\s*west|\bwest\s*(?:is\s*)?(?:\+|positive)|\bhours west|\bwest of|"
    r"\bUTC?\s*-\s*(?:local|LT)|\bUTC?\s*=\s*(?:local|LT)(?:\s+time)?\s*\+|"
    r"\badd(?:ed)? to local|\blocal(?:\s+time)?\s+to\s+(?:UT|GMT)|\bbehind\b",
    re.IGNORECASE,
)
_AHEAD = re.compile(
    r"\+\s*east|\beast\s*(?:is\s*)?(?:\+|positive)|\bhours east|\beast of|"
    r"\b(?:local|LT)(?:\s+time)?\s*(?:-|minus)\s*(?:UT|GMT)|"
    r"\b(?:local|LT)(?:\s+time)?\s*=\s*(?:UTC?|GMT)\s*\+|"
    r"\badd(?:ed)? to (?:UT|GMT)|\b(?:UTC?|GMT)\s+to\s+local|\bahead\b",
    re.IGNORECASE,
)
_FURTHEST_H: Final = 14.0
_LONGEST_TEXT: Final = 80


@dataclass(frozen=True, slots=True)
class Zone:
    """How many hours a local clock was ahead of UTC, and which card tells it.

    `signed` is False where the number is told and not which way it counts: NOAO's
    TIMEZONE is positive to the west, others write theirs positive to the east.
    """

    hours: float
    told_by: str
    signed: bool


def says_utc(header: fits.Header, card: str) -> bool:
    """Whether a card's time is in UTC by its name, its comment or the header's system.

    A comment that speaks of local time outweighs TIMESYS, as it speaks of the card.
    """
    if card.startswith("UT") or card.endswith("_UTC"):
        return True
    comment = comment_of(header, card)
    if _SAYS_UTC.search(comment):
        return _TO_UTC.search(comment) is None
    system = text_of(header, "TIMESYS") or ""
    return _UTC_SYSTEM.match(system) is not None and not says_local(header, card)


def says_local(header: fits.Header, card: str) -> bool:
    """Whether a card's time is said to be local, by name, comment or TIMESYS."""
    if card in LOCAL_DATES or card in LOCAL_CLOCKS:
        return True
    comment = comment_of(header, card)
    if _TO_UTC.search(comment) or _SAYS_LOCAL.search(comment):
        return not (_SAYS_UTC.search(comment) and not _TO_UTC.search(comment))
    if _ZONE_NAME.search(comment) and not _SAYS_UTC.search(comment):
        return True
    if card.startswith("UT") or card.endswith("_UTC"):
        return False
    system = text_of(header, "TIMESYS") or ""
    named = _LOCAL_SYSTEM.match(system) or _ZONE_NAME.fullmatch(system)
    return named is not None and not _SAYS_UTC.search(comment)


def zone_of(header: fits.Header, card: str) -> Zone | None:
    """The zone of a local card's clock, from its comment, TIMESYS or an offset card."""
    for told_by, words in (
        (f"the comment of {card}", comment_of(header, card)),
        ("TIMESYS", (text_of(header, "TIMESYS") or "")[:_LONGEST_TEXT]),
    ):
        hours = _hours_in(words)
        if hours is not None:
            return Zone(hours, told_by, True)
    return offset_of(header)


def offset_of(header: fits.Header) -> Zone | None:
    """The zone by a card of its own; None where there is none, or it says 0."""
    for card in _OFFSET_CARDS:
        text = text_of(header, card)
        if text is None or len(text) > _LONGEST_TEXT:
            continue
        comment = comment_of(header, card)
        hours = _hours_in(text)
        # a plain number is no ISO 8601 offset: conventions differ on its sign
        if hours is not None and (":" in text or not _is_number(text)):
            return Zone(hours, f"{card} = {text}", True) if hours else None
        size = _size_h(text)
        if size is None:
            continue
        if not size:
            return None
        told = f"{card} = {text}"
        if _BEHIND.search(comment):
            return Zone(-size, told, True)
        if _AHEAD.search(comment):
            return Zone(size, told, True)
        return Zone(size, told, False)
    return None


def _hours_in(words: str) -> float | None:
    """Hours ahead of UTC that words tell beyond doubt (`UTC+2`, `-05:00`, `CEST`)."""
    for pattern, way in ((_TO_UTC, -1.0), (_FROM_UTC, 1.0)):
        if match := pattern.search(words):
            *signs, hours, minutes = match.groups()
            sign = -way if "-" in signs else way
            found = sign * (int(hours) + int(minutes or 0) / 60)
            return found if abs(found) <= _FURTHEST_H else None
    name = _ZONE_NAME.search(words)
    return None if name is None else _NAMED_ZONES[name[0]]


def _is_number(text: str) -> bool:
    plain = re.fullmatch(r"[+-]?\d+(?:[.,]\d*)?", text.strip())
    return plain is not None and not re.fullmatch(r"[+-]\d{4}", text.strip())


def _size_h(text: str) -> float | None:
    """An offset card's number in hours; zones are whole quarters of an hour.

    Above 14 it counts minutes (-300), above 840 seconds (-18000).
    """
    if not _is_number(text):
        return None
    value = float(text.strip().replace(",", "."))
    for unit_h in (1.0, 1 / 60, 1 / 3600):
        hours = value * unit_h
        if abs(hours) <= _FURTHEST_H:
            quarters = round(hours * 4)
            return quarters / 4 if abs(hours * 4 - quarters) < 0.01 else None
    return None
