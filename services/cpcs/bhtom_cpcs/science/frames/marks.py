"""What a card marks of the exposure, its start, middle or end, by name and comment."""

import re
from typing import Literal

from astropy.io import fits

from bhtom_cpcs.science.frames.header_cards import comment_of

Mark = Literal["start", "middle", "end"]

# MIDAS is a program, midnight a moment of its own, and Greenwich Mean Time a scale.
_MIDDLE = (
    r"\bmid(?!night|as\b|i\b)[a-z]*|\baverag\w*|\bmean(?= (?:of|exp|obs))|"
    r"(?<=observation )mean\b|\bcent(?:re|er)(?= of\b)|\bcentral(?= (?:time|moment))|"
    r"\bhalf-?way\b|\bmilieu\b|\bmitte\b|\bmitad\b"
)
_START = (
    r"\bstart(?:s|ed|ing|time)?\b|\bbeg(?:in|an|un)?\w*\b|\bopen(?:s|ed|ing)?\b|"
    r"\bcommenc\w*|\binitiat\w*|\bonset\b|\binicio\b|\binizio\b|\bdebut\b|\banfang\b"
)
_END = (
    r"\bend(?:s|e|ed|ing|time)?\b|\bfinish\w*|\bstop(?:s|ped|time)?\b|"
    r"\bclos(?:e|es|ed|ing|ure)\b(?! to)|\bfin de\b|\bcompleted\b"
)
_WORD = re.compile(
    f"(?P<middle>{_MIDDLE})|(?P<start>{_START})|(?P<end>{_END})", re.IGNORECASE
)
NEGATED = re.compile(
    r"(?:\b(?:not?|never|neither|nor|without|unlike)\b|n't\b|\brather than\b|"
    r"\binstead of\b|!=|<>)[\s,:]*(?:\w*n't\s+)?"
    r"(?:(?:at|the|a|an|of|in|its|from|for|necessarily|really|exactly)\s+)*$",
    re.IGNORECASE,
)
# A start of something longer than the exposure says nothing of the exposure.
_OF_ANOTHER = re.compile(
    r"^\W*(?:of\s+)?(?:the\s+)?(?:night|run|session|sequence|programme?|block|scan|"
    r"readout)\b",
    re.IGNORECASE,
)
RECIPE = re.compile(r"\b(?:add|plus|subtract)\b|\bto (?:get|obtain|find)\b", re.I)
_CLAUSES = re.compile(r"[;,()\[\]=:|]|\.\s|\s-\s|\bbut\b", re.IGNORECASE)
_ARITHMETIC = re.compile(r"[+/*]|\s-\s?|\bplus\b|\bminus\b|\bhalf\b", re.IGNORECASE)
_BETWEEN = re.compile(r"\bbetween\b|\bhalf\b", re.IGNORECASE)
_BY_NAME: dict[str, Mark] = {
    "UTSTART": "start",
    "UT-START": "start",
    "UT-STR": "start",
    "TIME-BEG": "start",
    "UTMIDDLE": "middle",
    "UT-MID": "middle",
    "TIME-MID": "middle",
    "UTEND": "end",
    "UT-END": "end",
    "UTSTOP": "end",
    "UTC-END": "end",
    "TIME-END": "end",
    # the ones that programs write of the middle only
    "JD-HELIO": "middle",
}


def mark_of(header: fits.Header, card: str) -> Mark | None:
    """What a card marks by its name or else its comment; None where neither says it."""
    return _BY_NAME.get(card) or mark_in(comment_of(header, card))


def clash_of(header: fits.Header, card: str) -> str | None:
    """In words how a card's name and its comment say two things, None if not."""
    named, told = _BY_NAME.get(card), mark_in(comment_of(header, card))
    if named is None or told is None or named == told:
        return None
    return f"the name of {card} says {named} of the exposure and its comment {told}"


def mark_in(comment: str) -> Mark | None:
    """What a comment says its moment marks, None where it says nothing or two things.

    Words that are denied do not count ("start, not mid, of exposure"), nor what is to
    be reckoned from the card ("start; add EXPTIME/2 for mid"). Of several clauses the
    first that names one mark tells what the card is, the others explain it ("mid
    exposure = start + EXPTIME/2").
    """
    left_of_equals, equals, right = comment.partition("=")
    if equals and _ARITHMETIC.search(left_of_equals) and mark_in(right):
        return mark_in(right)
    for clause in _clauses(comment):
        found = _marks_named(clause)
        if len(found) == 1:
            return next(iter(found))
        if found and ("middle" in found or _BETWEEN.search(clause)):
            # the middle of start and end; of start or middle nothing is known
            return "middle" if found >= {"start", "end"} else None
        if len(found) == 2 and not _ARITHMETIC.search(clause):
            return None
    return None


def _clauses(comment: str) -> list[str]:
    """A comment in clauses; what is denied stays with its denial."""
    kept, start = [], 0
    for cut in _CLAUSES.finditer(comment):
        if NEGATED.search(comment[: cut.end()]):
            continue
        kept.append(comment[start : cut.start()])
        start = cut.end()
    return [*kept, comment[start:]]


def _marks_named(clause: str) -> set[Mark]:
    found: set[Mark] = set()
    for word in _WORD.finditer(clause):
        before = clause[: word.start()]
        if NEGATED.search(before) or _OF_ANOTHER.match(clause[word.end() :]):
            continue
        if RECIPE.search(before):
            continue
        if word["middle"]:
            found.add("middle")
        elif word["start"]:
            found.add("start")
        else:
            found.add("end")
    return found
