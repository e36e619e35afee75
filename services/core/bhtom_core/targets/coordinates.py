"""Right ascension and declination as people write them."""

import math
import re
from typing import Final

from bhtom_runtime.errors import Invalid

_DECIMAL: Final = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$", re.ASCII)
_SEXAGESIMAL: Final = re.compile(
    r"^(?P<sign>[+-])?(?P<whole>\d{1,3})"
    r"\s*[hd°:\s]\s*(?P<minutes>\d{1,2})"
    r"(?:\s*[m'′:\s]\s*(?P<seconds>\d{1,2}(?:\.\d*)?))?"
    r"\s*(?:[s\"″]|''|[m'′])?$",
    re.ASCII,
)
_DEGREES_PER_HOUR: Final = 15.0


def right_ascension(value: float | str) -> float:
    """Degrees from a number of degrees or a text; sexagesimal texts are hours.

    360 is taken as 0, the same meridian.
    """
    degrees, sexagesimal, text = _read("ra", value)
    if sexagesimal and "d" not in text.lower() and "°" not in text:
        degrees *= _DEGREES_PER_HOUR
    if not 0.0 <= degrees <= 360.0:
        raise _beyond("ra", value, "0 to 360 degrees (0h to 24h)")
    return degrees % 360.0 + 0.0


def declination(value: float | str) -> float:
    """Degrees from a number of degrees or a text, sexagesimal ones in degrees."""
    degrees, sexagesimal, text = _read("dec", value)
    if sexagesimal and "h" in text.lower():
        raise Invalid(
            f"dec: '{text}' is in hours; write it in degrees.",
            code="invalid_coordinates",
        )
    if not -90.0 <= degrees <= 90.0:
        raise _beyond("dec", value, "-90 to +90 degrees")
    return degrees + 0.0


def _read(field: str, value: float | str) -> tuple[float, bool, str]:
    """The number, whether it was sexagesimal, and the cleaned text."""
    if not isinstance(value, str):
        number = float(value)
        if not math.isfinite(number):
            raise _unreadable(field, value)
        return number, False, ""
    text = value.strip().replace("−", "-")
    if _DECIMAL.match(text):
        number = float(text)
        if not math.isfinite(number):
            raise _unreadable(field, value)
        return number, False, text
    match = _SEXAGESIMAL.match(text.lower())
    if match is None:
        raise _unreadable(field, value)
    minutes, seconds = float(match["minutes"]), float(match["seconds"] or 0.0)
    if minutes >= 60 or seconds >= 60:
        raise Invalid(
            f"{field}: '{text}' has 60 or more minutes or seconds.",
            code="invalid_coordinates",
        )
    size = float(match["whole"]) + minutes / 60 + seconds / 3600
    # The sign stands for all parts: -00:30 is south although its -00 is not.
    return (-size if match["sign"] == "-" else size), True, text


def _unreadable(field: str, value: object) -> Invalid:
    example = "12:34:56.7 or 188.736" if field == "ra" else "-01:23:45.6 or -1.396"
    return Invalid(
        f"{field}: '{str(value)[:60]}' cannot be read; write for example {example}.",
        code="invalid_coordinates",
    )


def _beyond(field: str, value: object, allowed: str) -> Invalid:
    return Invalid(
        f"{field}: '{str(value)[:60]}' is beyond the range; allowed is {allowed}.",
        code="invalid_coordinates",
    )
