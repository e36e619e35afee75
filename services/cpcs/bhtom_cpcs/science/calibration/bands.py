"""Band names: what a request allows, what a FILTER card means."""

import re

from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop

_GROUPS = {"ugriz": "ugriz", "UBVRI": "UBVRI"}
_NOISE = re.compile(
    r"sdss|sloan|bess?ell?|johnson|cousins|kron|harris|astrodon|baader|gen2|generation|"
    r"filter|band|decam|ps1|panstarrs|skymapper|lco|[cC]\d{3,}|\d{3,}(\.\d*)?",
    re.IGNORECASE,
)
_PRIMED = re.compile(r"^([ugriz])(p|'|prime|s)$")
_LETTER = re.compile(r"^([UBVRIugriz])$")
_COUSINS = re.compile(r"^([RI])c$")


def passband_text(passband: str) -> str:
    """Return the text stored on a point: `r(GaiaSP)` for `GaiaSP/r`."""
    survey, _, band = passband.partition("/")
    return f"{band}({survey})"


def allowed_bands(
    requested: str, survey: str, offered: tuple[str, ...], title: str
) -> tuple[str, ...]:
    """Return the offered bands that a request lets the calibration choose from.

    Raises
    ------
    Stop
        `unknown_filter` when the request names another survey or an unknown band.
    """
    text = requested.strip()
    if text.lower() in ("", "no", "auto", "any"):
        return offered
    wanted_survey, _, wanted = text.rpartition("/")
    if wanted_survey in ("", survey):
        if wanted.lower() == "any":
            return offered
        letters = _GROUPS.get(wanted)
        if letters:
            return tuple(band for band in offered if band.rpartition("/")[2] in letters)
        if f"{survey}/{wanted}" in offered:
            return (f"{survey}/{wanted}",)
    raise Stop(
        Outcome.UNKNOWN_FILTER,
        requested=requested,
        catalogue=title,
        offered=", ".join((f"{survey}/any", *offered)),
    )


def band_of_card(card: str | None, survey: str, offered: tuple[str, ...]) -> str | None:
    """Return the offered band that a FILTER card's text names, or None.

    Blank, numeric and generic texts (`Clear`, `L`, `UNKNOWN`) name none.
    """
    if not card:
        return None
    words = re.split(r"[\s_\-/(),.:]+", _NOISE.sub(" ", card))
    for word in words:
        match = _PRIMED.match(word) or _LETTER.match(word) or _COUSINS.match(word)
        if match and f"{survey}/{match[1]}" in offered:
            return f"{survey}/{match[1]}"
    return None
