"""Band names: what a request allows, what a FILTER card means."""

import re

from bhtom_cpcs.science.calibration.transformations import transformable
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop

_GROUPS = {"ugriz": "ugriz", "UBVRI": "UBVRI"}
_NOISE = re.compile(
    r"sdss|sloan|bess?ell?|johnson|cousins|kron|harris|astrodon|baader|gen2|generation|"
    r"filter|band|decam|ps1|panstarrs|skymapper|lco|[cC]\d{3,}|\d{3,}(\.\d*)?",
    re.IGNORECASE,
)
_PRIMED = re.compile(r"^([ugrizy])(p|'|prime|s)$")
_LETTER = re.compile(r"^([UBVRIugrizyYJHK])$")
_COUSINS = re.compile(r"^([RI])c$")
_K_SHORT = re.compile(r"^(K)(s|short)$")
_FORMS = (_PRIMED, _LETTER, _COUSINS, _K_SHORT)
# Its u and y are other bands than the letters alone mean.
_STROEMGREN = re.compile(r"str(o|oe|\u00f6)mgren|uvby", re.IGNORECASE)


def passband_text(passband: str) -> str:
    """Return the text stored on a point: `r(GaiaSP)` for `GaiaSP/r`."""
    survey, _, band = passband.partition("/")
    return f"{band}({survey})"


def allowed_bands(
    requested: str, survey: str, offered: tuple[str, ...], title: str
) -> tuple[str, ...]:
    """Return the bands that a request lets the calibration choose from.

    All offered bands for `any`, those of one catalogue for a group of letters, or the
    one that is named; each time with the bands that the catalogue can be transformed
    to, the offered ones first.

    Raises
    ------
    Stop
        `unknown_filter` when the request names another survey or an unknown band.
    """
    text = requested.strip()
    named, _, wanted = text.rpartition("/")
    own = tuple(band for band in offered if band.startswith(f"{named or survey}/"))
    own += transformable(named or survey, own)
    if text.lower() in ("", "no", "auto", "any"):
        return tuple(dict.fromkeys((*offered, *own)))
    if wanted.lower() == "any" and own:
        every = (*offered, *own) if named in ("", survey) else own
        return tuple(dict.fromkeys(every))
    letters = _GROUPS.get(wanted)
    if letters and own:
        return tuple(band for band in own if band.rpartition("/")[2] in letters)
    band = f"{named or survey}/{wanted}"
    if band in own:
        return (band,)
    raise Stop(
        Outcome.UNKNOWN_FILTER,
        requested=requested,
        catalogue=title,
        offered=", ".join((f"{survey}/any", *offered)),
    )


def band_of_card(card: str | None, survey: str, offered: tuple[str, ...]) -> str | None:
    """Return the band that a FILTER card's text names, or None.

    An offered one, else one that the catalogue can be transformed to. Blank, numeric
    and generic texts (`Clear`, `L`, `UNKNOWN`) name none.
    """
    letters = letters_of_card(card)
    own = tuple(band for band in offered if band.startswith(f"{survey}/"))
    for bands in (offered, transformable(survey, own)):
        for letter in letters:
            if f"{survey}/{letter}" in bands:
                return f"{survey}/{letter}"
    return None


def letters_of_card(card: str | None) -> tuple[str, ...]:
    """Standard bands that a FILTER card's text names, whatever a catalogue offers."""
    if _STROEMGREN.search(card or ""):
        return ()
    words = re.split(r"[\s_\-/(),.:]+", _NOISE.sub(" ", card or ""))
    matches = (
        next(filter(None, (form.match(word) for form in _FORMS)), None)
        for word in words
    )
    return tuple(match[1] for match in matches if match)


def standard_band(passband: str) -> str:
    """Return the standard band that a passband is like: `r` for `clear-r`."""
    survey, _, band = passband.partition("/")
    return f"{survey}/{band.rpartition('-')[2]}"


def own_passband(passband: str, word: str) -> str:
    """Name the passband of a filter that is not a standard one.

    `GaiaSP/clear-r`, shown as `clear-r(GaiaSP)`: a name that clients parse like any
    other, never mistaken for r, and without a standard system.
    """
    survey, _, band = passband.partition("/")
    return f"{survey}/{word}-{band}"
