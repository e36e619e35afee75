"""Exposure times as cameras write them: numbers, units, clocks, fractions, products."""

import re
from dataclasses import dataclass
from math import isfinite
from typing import Final

_UNITS: Final = (
    (re.compile(r"\bsec(ond)?s?\b|[(\[]s[)\]]", re.IGNORECASE), 1.0),
    (re.compile(r"\bmin(ute)?s?\b|\bmn\b|\[m\]", re.IGNORECASE), 60.0),
    (re.compile(r"\bhours?\b|\[hr?s?\]", re.IGNORECASE), 3600.0),
    (re.compile(r"\bms(ec)?s?\b|\bmilli-?s", re.IGNORECASE), 1e-3),
    (re.compile(r"\b[uµ]s(ec)?s?\b|\bmicro-?s", re.IGNORECASE), 1e-6),
    (re.compile(r"\bns(ec)?s?\b|\bnano-?s", re.IGNORECASE), 1e-9),
    (re.compile(r"\[d\]|\bdays?\b", re.IGNORECASE), 86400.0),
)
# "(min 0.1 s)" tells what the camera can do, and "mm:ss" how its digits are written
_BOUND: Final = re.compile(
    r"\b(?:min|max)(?:imum)?\b[\s.:=<>]{0,4}\d[\d.,]*\s?[a-z]*", re.IGNORECASE
)
_NUMBER: Final = r"(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eEdD][-+]?\d+)?"
_MEASURE: Final = re.compile(rf"^({_NUMBER})\s*([a-zA-Zµ'\"]*)\.?$")
# 60 sec exposure: words behind the unit change nothing, another number would
_WORDS_BEHIND: Final = re.compile(
    rf"^({_NUMBER}\s*(?:s|secs?|seconds?|min|mins|minutes?|ms|us)\b\.?)[^\d]*$",
    re.IGNORECASE,
)
_THREE: Final = re.compile(r"^(\d{1,3}):(\d{1,2}):(\d{1,2}(?:[.,]\d*)?)$")
_TWO: Final = re.compile(r"^(\d{1,4}):(\d{1,2}(?:[.,]\d*)?)$")
_PARTS: Final = re.compile(
    r"^(?:PT)?\s*(?:(\d+)\s*(?:hours?|hrs?|h))?\s*(?:(\d+)\s*(?:minutes?|mins?|m|'))?"
    r"\s*(?:(\d+(?:[.,]\d*)?)\s*(?:seconds?|secs?|s|\"|'')?)?$",
    re.IGNORECASE,
)
_FRACTION: Final = re.compile(r"^(\d+)\s*/\s*(\d+)\s*([a-zA-Z]*)\.?$")
_PRODUCT: Final = re.compile(r"^(.{1,24}?)\s*[xX*×]\s*(.{1,24})$")
_MINUTES_FIRST: Final = re.compile(r"\bm{1,2}(?:in)?\s?:\s?s{1,2}", re.IGNORECASE)
_HOURS_FIRST: Final = re.compile(r"\bh{1,2}\s?:\s?m{1,2}", re.IGNORECASE)
_NOTHING: Final = re.compile(
    r"^\W*$|^(?:n/?a|none|null|nan|unknown|undef\w*|auto|bulb|true|false|t|f)$", re.I
)
_SHORT_UNITS: Final = {
    "": "",
    "s": "sec",
    '"': "sec",
    "''": "sec",
    "m": "min",
    "'": "min",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "d": "day",
}
# 1,000 is a thousand in one country and one in another
_COMMA_OF_EITHER: Final = re.compile(r"^[1-9]\d{0,2},\d{3}(?!\d)")
_LONGEST_TEXT: Final = 80  # a card; patterns of longer ones would take their time
_MOST_FRAMES: Final = 100_000


@dataclass(frozen=True, slots=True)
class ExposureText:
    """Seconds in all, of as many exposures as the text itself counts (`2x30`)."""

    seconds: float
    count: int = 1


def says_nothing(text: str) -> bool:
    """Whether a text stands for no exposure time (`n/a`), and so hides none."""
    return _NOTHING.match(text) is not None


def read_exposure(
    text: str, comment: str, usual_unit_s: float = 1.0
) -> ExposureText | None:
    """Read an exposure time; None where the text leaves open what it is.

    The unit is that of the text (`1 min`), else of the comment, else the usual one of
    the card. `01:30` is read only where its decimals or the comment say whether it
    begins with hours or minutes.
    """
    text = text.strip()
    if len(text) > _LONGEST_TEXT or _COMMA_OF_EITHER.match(text):
        return None
    told_s = unit_in(_BOUND.sub("", comment))
    unit_s = usual_unit_s if told_s is None else told_s
    seconds = _single(text, comment, unit_s)
    if seconds is not None:
        return ExposureText(seconds) if isfinite(seconds) else None
    return _product(text, comment, unit_s)


def unit_in(words: str) -> float | None:
    """Seconds in the first unit that words name, None where they name none."""
    words = _MINUTES_FIRST.sub("", _HOURS_FIRST.sub("", words))
    return next((seconds for unit, seconds in _UNITS if unit.search(words)), None)


def _single(text: str, comment: str, unit_s: float) -> float | None:
    """Seconds of one exposure, written in one of the usual ways."""
    if words := _WORDS_BEHIND.match(text):
        text = words[1]
    if measure := _MEASURE.match(text):
        return _measured(measure, unit_s)
    if fraction := _FRACTION.match(text):
        below = int(fraction[2])
        own = _unit_of(fraction[3], unit_s)
        return int(fraction[1]) / below * own if below and own else None
    if three := _THREE.match(text):
        hours, minutes, seconds = int(three[1]), int(three[2]), _number(three[3])
        usual = minutes < 60 and seconds < 60
        return hours * 3600 + minutes * 60 + seconds if usual else None
    if two := _TWO.match(text):
        return _two_parts(two, comment)
    if (parts := _PARTS.match(text)) and any(parts.groups()):
        hours, minutes = int(parts[1] or 0), int(parts[2] or 0)
        return hours * 3600 + minutes * 60 + _number(parts[3] or "0")
    return None


def _measured(measure: re.Match[str], unit_s: float) -> float | None:
    own = _unit_of(measure[2], unit_s)
    return None if own is None else _number(measure[1]) * own


def _unit_of(word: str, unit_s: float) -> float | None:
    """Seconds in the unit behind a number; None where it is no unit of time."""
    known = _SHORT_UNITS.get(word.lower(), word)
    return unit_in(known) if known else unit_s


def _two_parts(two: re.Match[str], comment: str) -> float | None:
    first, second = int(two[1]), _number(two[2])
    if second >= 60:
        return None
    minutes_first = _MINUTES_FIRST.search(comment) or not two[2].isdigit()
    if minutes_first and not _HOURS_FIRST.search(comment):
        return first * 60 + second
    if _HOURS_FIRST.search(comment) and not minutes_first:
        return first * 3600 + second * 60
    return None


def _product(text: str, comment: str, unit_s: float) -> ExposureText | None:
    """`2x30`, `2 x 30 s`, `30s*2`: how many exposures, and how long each of them."""
    match = _PRODUCT.match(text)
    if match is None:
        return None
    first, second = match[1].strip(), match[2].strip()
    count, each = (first, second) if first.isdigit() else (second, first)
    if not count.isdigit() or not 1 <= int(count) <= _MOST_FRAMES:
        return None
    seconds = _single(each, comment, unit_s)
    if seconds is None or not isfinite(seconds):
        return None
    return ExposureText(int(count) * seconds, int(count))


def _number(text: str) -> float:
    return float(re.sub("[dD]", "e", text.replace(",", ".")))
