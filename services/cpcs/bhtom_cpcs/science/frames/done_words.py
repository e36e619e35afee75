"""Words for what was done to a frame, which are no words for what it is."""

import re

_SUBTRACTED = r"(?:dark|bias|zero|overscan|sky|background)s?(?:[\s_-](?:frame|level))?"
_DIVIDED = r"(?:(?:sky|dome|twilight)[\s_-]?)?flats?(?:[\s_-]?field)?"


def _said_of(noun: str, verbs: str) -> str:
    """One noun or several (`bias, dark and flat`) and what was done with them."""
    several = rf"(?:(?:{noun}\s?,\s?)*{noun}\s?(?:and|&|\+|/)\s?)?"
    return rf"\b{several}{noun}[\s_-]*(?:{verbs})(?![a-z])"


_DONE = re.compile(
    "|".join(
        (
            # nobody subtracts flats: "Flat, dark and bias subtracted" is one
            _said_of(_SUBTRACTED, "subtracted|removed"),
            _said_of(f"(?:{_SUBTRACTED}|{_DIVIDED})", "corrected|calibrated|applied"),
            _said_of(_DIVIDED, "fielded|tened|divided"),
        )
    ),
    re.IGNORECASE,
)
_LONGEST_TEXT = 160  # two cards; patterns of longer ones would take their time


def without_done(text: str) -> str:
    """A text without its words for a reduction (`dark subtracted`, `flatfielded`)."""
    return _DONE.sub("", text).strip() if len(text) <= _LONGEST_TEXT else text
