"""Which time scale, and which place, names and comments of time cards speak of."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from bhtom_cpcs.science.frames.marks import NEGATED, RECIPE
from bhtom_cpcs.science.frames.time_scales import known_scale

Place = Literal["hjd", "bjd"]

_SCALE: Final = r"UTC|UT1|UT|GMT|TAI|IAT|TT|TDT|TDB|TCB|TCG|ET|GPS"
# In small letters some of them are other words (et, tt, ut).
_IN_BRACKETS: Final = re.compile(
    rf"[\[(]\s*(?:in\s+)?({_SCALE}|utc|ut|tai|tt|tdt|tdb|gmt|gps)\s*[\])]"
)
# BJD_TDB, JD(TT), MJD-UTC, HJD UTC
_BEHIND_DAYS: Final = re.compile(rf"\b[BHMR]{{0,2}}JD[\s(\[-]{{1,2}}({_SCALE})\b")
_SCALE_WORD: Final = re.compile(rf"\b(?:({_SCALE})|(utc|tai|tdb|tdt|gmt|gps))\b")
_LONG_NAMES: Final = (
    (re.compile(r"\bbarycentric dynamical time\b", re.I), "TDB"),
    (re.compile(r"\bbarycentric co-?ordinate time\b", re.I), "TCB"),
    (re.compile(r"\bgeocentric co-?ordinate time\b", re.I), "TCG"),
    (re.compile(r"\bterrestrial (?:dynamical )?time\b", re.I), "TT"),
    (re.compile(r"\bephemeris time\b", re.I), "ET"),
    (re.compile(r"\b(?:international )?atomic time\b", re.I), "TAI"),
    (re.compile(r"\b(?:co-?ordinated )?universal time\b|\bzulu\b", re.I), "UTC"),
    (re.compile(r"\bgreenwich (?:mean )?time\b", re.I), "GMT"),
)
_HELIOCENTRIC: Final = r"\b[mr]?hjd\b|\bhmjd\b|\bhelio(?:cent\w*|s?\b|[\s-]corr\w*)"
_BARYCENTRIC: Final = r"\b[mrt]?bjd\b|\bbmjd\b|\bbary(?:cent\w*|\b|[\s-]corr\w*)"
_PLACE: Final = re.compile(
    f"(?P<hjd>{_HELIOCENTRIC})|(?P<bjd>{_BARYCENTRIC})", re.IGNORECASE
)
_POINTS_ELSEWHERE: Final = re.compile(
    r"\b(?:for|see|compare|than|from|into?)\s+(?:the\s+)?$", re.IGNORECASE
)
_LIGHT_TIME: Final = re.compile(r"\blight[\s-](?:travel[\s-])?time corr", re.I)
# TAI-37s, UTC + 69.184 s: another scale than the one that is named
_AND_SECONDS: Final = re.compile(r"^\s*[+-]\s*\d{1,3}(?:\.\d+)?\s*(?:s|\W|$)")
_CLAUSE_BEFORE: Final = re.compile(r"[;:,=\[\]()]")
_NOT_DONE: Final = re.compile(
    r"^[\s\w:=]{0,24}\b(?:not|none|no|see|velocit\w*|vel|rv|is in|in \w{1,8} card|"
    r"card)\b",
    re.IGNORECASE,
)
_NAME_PARTS: Final = re.compile(r"[A-Z]+")
_AT_SUN: Final = re.compile(r"^(?:[MR]?HJD|HMJD|JDHEL|HELJD|HELIO|HEL)")
_AT_BARYCENTRE: Final = re.compile(r"^(?:[MRT]?BJD|BMJD|JDBARY|BARY|BAR)")


@dataclass(frozen=True, slots=True)
class ScaleSaid:
    """A scale that words name; `sure` unless they name another one too."""

    scale: str | None
    sure: bool = True


def scale_in_name(card: str) -> str | None:
    """The scale in a card's name: BJD_TDB, UTC-OBS, UTSTART, MJD-TAI.

    GPS in a name is a receiver's, which tells UTC.
    """
    for part in reversed(_NAME_PARTS.findall(card)):
        if part not in ("ET", "Z", "GPS") and (found := known_scale(part)):
            return found
    return "utc" if card.startswith("UT") else None


def place_in_name(card: str) -> Place | None:
    """Where a card's moment is counted by its name; None at the telescope."""
    parts = _NAME_PARTS.findall(card)
    if any(_AT_SUN.match(part) for part in parts):
        return "hjd"
    return "bjd" if any(_AT_BARYCENTRE.match(part) for part in parts) else None


def scale_in(comment: str) -> ScaleSaid:
    """The scale that a comment names.

    One in brackets or behind the name of a count of days (`[TDB]`, `JD (TT)`) is the
    card's own; of others the first counts, and if they differ that is not sure. GPS
    alone is rather where the clock was set than its scale.
    """
    words = comment.replace("_", " ")
    for pattern, name in _LONG_NAMES:
        words = pattern.sub(name, words)
    own = [*_IN_BRACKETS.finditer(words), *_BEHIND_DAYS.finditer(words)]
    own = [match for match in own if not _denied(words, match)]
    own_scales = {known_scale(match[1]) for match in own}
    if own_scales:
        first = min(own, key=lambda match: match.start())
        sure = len(own_scales) == 1 and not _AND_SECONDS.match(words[first.end() :])
        return ScaleSaid(known_scale(first[1]), sure)
    found, moved = [], False
    for match in _SCALE_WORD.finditer(words):
        scale = known_scale(match[1] or match[2])
        if scale is not None and not _denied(words, match):
            found.append(scale)
            moved |= _AND_SECONDS.match(words[match.end() :]) is not None
    if "gps" in found and len(set(found)) > 1:
        found = [scale for scale in found if scale != "gps"]
    elif "gps" in found:
        return ScaleSaid(None, False)
    if not found:
        return ScaleSaid(None)
    return ScaleSaid(found[0], len(set(found)) == 1 and not moved)


def place_in(comment: str) -> tuple[Place | None, bool]:
    """Where a comment says that its moment is counted, and whether that is sure."""
    words = comment.replace("_", " ")
    for pattern, name in _LONG_NAMES:
        words = pattern.sub(name, words)
    found: list[Place] = []
    for match in _PLACE.finditer(words):
        before, behind = words[: match.start()], words[match.end() :]
        if _denied(words, match) or _NOT_DONE.match(behind):
            continue
        clause = _CLAUSE_BEFORE.split(before)[-1]
        if RECIPE.search(clause) or _POINTS_ELSEWHERE.search(clause):
            continue
        found.append("hjd" if match["hjd"] else "bjd")
    if not found:
        return None, _LIGHT_TIME.search(words) is None
    return found[0], len(set(found)) == 1


def _denied(words: str, match: re.Match[str]) -> bool:
    return NEGATED.search(words[: match.start()]) is not None
