"""Sky positions as people write and read them."""

import math
import re
from typing import Final

_PARTS: Final = re.compile(
    r"^([+-]?)(\d{1,3})[\s:hdº°]+(\d{1,2})[\s:m'′]+(\d{1,2}(?:\.\d*)?)[s\"″]?$"
)


def parse_right_ascension(text: str) -> float:
    """Degrees from decimal degrees or from hours, minutes and seconds."""
    value = _parse(text, hours=True)
    if not 0 <= value < 360:
        raise ValueError("Right ascension must lie between 0 and 360 degrees.")
    return value


def parse_declination(text: str) -> float:
    """Degrees from decimal degrees or from degrees, arcminutes and arcseconds."""
    value = _parse(text, hours=False)
    if not -90 <= value <= 90:
        raise ValueError("Declination must lie between -90 and +90 degrees.")
    return value


def _parse(text: str, *, hours: bool) -> float:
    cleaned = text.strip().replace("−", "-").replace(",", ".")
    parts = _PARTS.match(cleaned)
    if parts is None:
        try:
            value = float(cleaned)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            example = "04:20:00.4 or 65.0017" if hours else "-54:56:16 or -54.9378"
            raise ValueError(f"'{text}' is not a position; write {example}.")
        return value
    sign, whole, minutes, seconds = parts.groups()
    if float(minutes) >= 60 or float(seconds) >= 60:
        raise ValueError(f"'{text}': minutes and seconds must be below 60.")
    value = float(whole) + float(minutes) / 60 + float(seconds) / 3600
    return (-1 if sign == "-" else 1) * value * (15 if hours else 1)


def write_right_ascension(degrees: float, more_digits: int = 0) -> str:
    """`04h 20m 00.42s`: to a hundredth of a second of time, or finer."""
    digits = 2 + more_digits
    second = 10**digits
    parts = round(degrees / 15 * 3600 * second) % (24 * 3600 * second)
    hours, rest = divmod(parts, 3600 * second)
    minutes, rest = divmod(rest, 60 * second)
    return f"{hours:02d}h {minutes:02d}m {rest / second:0{digits + 3}.{digits}f}s"


def write_declination(degrees: float, more_digits: int = 0) -> str:
    """`-54° 56′ 16.1″`: to a tenth of an arcsecond, or finer."""
    digits = 1 + more_digits
    second = 10**digits
    parts = round(abs(degrees) * 3600 * second)
    whole, rest = divmod(parts, 3600 * second)
    minutes, rest = divmod(rest, 60 * second)
    sign = "−" if degrees < 0 and parts else "+"
    return f"{sign}{whole:02d}° {minutes:02d}′ {rest / second:0{digits + 3}.{digits}f}″"
