"""What kind of filter a FILTER card's text stands for."""

import re
from dataclasses import dataclass
from enum import StrEnum


class FilterKind(StrEnum):
    """Kinds of filters that are calibrated differently."""

    NAMED = "named"  # a filter of its own, standard or not
    CLEAR = "clear"
    LIGHT_POLLUTION = "light_pollution"
    NARROW = "narrow"
    GENERIC = "generic"  # says nothing: blank, a number, a wheel's position, a mosaic


@dataclass(frozen=True, slots=True)
class DeclaredFilter:
    """A FILTER card's text, its kind, and the word that names its own passband.

    `word` is empty for filters that are calibrated as a standard passband. `parents`
    are the standard bands nearest to a narrow filter, the best first.
    """

    card: str | None
    kind: FilterKind
    word: str = ""
    parents: tuple[str, ...] = ()


_GENERIC = re.compile(
    r"|\W*\d[\d\W]*|none|no|n/?a|nan|null|unknown|undefined|unspecified|not set|other|"
    r"open|empty|blank|air|free|default|light|dark|"
    r"(filter|filt|pos|position|slot|wheel|f|fw|no|nr)?[\s_.#:-]*\d{1,2}|"
    r"rggb|grbg|gbrg|bggr|rgb|lrgb|osc|bayer|colou?r|one ?shot ?colou?r",
)
_CLEAR = re.compile(
    r"c|l|clr|clear\d?|clearance|lum|luminance|luminosity|white|no ?filter|unfiltered|"
    r"uv[\s/_-]*ir|(uv[\s/_-]*ir|ir|uv)[\s/_-]*(cut|block|blocked|blocker)|"
    r"l[\s_-]*\d|l[\s_-]*(uv ?/? ?ir|filter)|clear[\s_-]*(glass|filter)"
)
_LIGHT_POLLUTION = re.compile(
    r"\b(cls|cls.?ccd|lps|lps.?[dpv]\d|uhc|uhc.?s|idas|l.?pro|l.?enhance|l.?extreme|"
    r"l.?ultimate|l.?quad|alp.?t|ngs.?1|neodymium|skyglow|city ?light|"
    r"light ?pollution|(dual|duo|tri|triple|quad)[\s_-]*(narrow)?[\s_-]*band)",
)
# Wavelengths [nm]: H-alpha 656, H-beta 486, [O III] 501, [S II] 672, [N II] 658,
# [O II] 373, [O I] 630, methane 889; the parent is the broad band that holds the line.
_NARROW: tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (word, re.compile(rf"(?<![a-z])(?:{pattern})(?![a-z])"), parents)
    for word, pattern, parents in (
        ("Halpha", r"h[\s_.-]*(a|alpha|alfa|α)|656(nm)?", ("r", "R", "GRP", "G")),
        ("Hbeta", r"h[\s_.-]*(b|beta|β)|486(nm)?", ("g", "B", "V", "GBP", "G")),
        ("OIII", r"\[?o[\s_.-]*(iii|3)\]?|50[01](nm)?", ("g", "V", "GBP", "G")),
        ("SII", r"\[?s[\s_.-]*(ii|2)\]?|67[12](nm)?", ("r", "R", "GRP", "G")),
        ("NII", r"\[?n[\s_.-]*(ii|2)\]?|658(nm)?", ("r", "R", "GRP", "G")),
        ("OII", r"\[?o[\s_.-]*(ii|2)\]?|37[23](nm)?", ("u", "U", "GBP", "G")),
        ("OI", r"\[?o[\s_.-]*(i|1)\]|630(nm)?", ("r", "R", "GRP", "G")),
        ("CH4", r"ch4|methane|889(nm)?", ("z", "I", "GRP", "G")),
    )
)


def declared_filter(card: str | None) -> DeclaredFilter:
    """Classify a FILTER card's text."""
    text = " ".join((card or "").casefold().strip(" ,;.'\"").split())
    if _CLEAR.fullmatch(text):
        return DeclaredFilter(card, FilterKind.CLEAR, "clear")
    if _LIGHT_POLLUTION.search(text):
        word = re.sub(r"[^A-Za-z0-9]+", "", card or "")[:16]
        return DeclaredFilter(card, FilterKind.LIGHT_POLLUTION, word)
    for word, pattern, parents in _NARROW:
        if pattern.search(text):
            return DeclaredFilter(card, FilterKind.NARROW, word, parents)
    if _GENERIC.fullmatch(text):
        return DeclaredFilter(card, FilterKind.GENERIC)
    return DeclaredFilter(card, FilterKind.NAMED)


def names_a_filter(card: str | None) -> bool:
    """Say whether the text can stand for one filter of a camera and no other.

    Blank, numeric and generic texts cannot: what is in the wheel's place 3 changes. A
    clear or luminance filter is one: detector and glass make its passband, the same
    on every night, so that it belongs to the same reference band on every night.
    """
    return declared_filter(card).kind is not FilterKind.GENERIC
