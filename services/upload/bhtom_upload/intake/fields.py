"""What an uploader may choose, in the spellings that robots and forms use."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bhtom_contracts.events.frames import CalibratedKind, CalibrationParameters
from bhtom_contracts.passbands import ANY_BAND, requested_band
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Invalid
from bhtom_upload.replicas.cameras import Camera
from bhtom_upload.replicas.targets import Target

MAX_COMMENT: Final = 2000
MAX_OBSERVERS: Final = 50
_FILTER: Final = re.compile(r"[\w.+-]{1,40}/[\w.+'-]{1,40}", re.ASCII)
_LARGEST_RADIUS_ARCSEC: Final = 60.0
_JD_OF_MJD_0: Final = 2_400_000.5
_EARLIEST_MJD: Final = 10_000.0
_LATEST_MJD: Final = 100_000.0
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_TRUE: Final = frozenset({"true", "1", "yes", "y", "t", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "n", "f", "off", "", "none"})


class BadField(Invalid):
    """A field that cannot be used; the compatible form answers under its name."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(
            f"{field}: {sentence}",
            code="invalid_field",
            fields=[{"field": field, "message": sentence}],
        )
        self.field = field
        self.reason = sentence


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the uploader chose for a file."""

    parameters: CalibrationParameters
    kind: CalibratedKind = "fits_file"
    observers: tuple[str, ...] = ()
    dry_run: bool = False
    batch: str | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """Who uploads for which target, from which camera, with which wishes."""

    caller: Principal
    target: Target
    camera: Camera
    wishes: Wishes

    @property
    def observers(self) -> tuple[str, ...]:
        """Those named, else the uploader."""
        return self.wishes.observers or (self.caller.username,)


def without_blanks(given: object) -> object:
    """A query as if the blank fields of its form had not been sent."""
    if not isinstance(given, dict):
        return given
    return {name: value for name, value in given.items() if value != ""}


def reference(field: str, text: str) -> str:
    """A name or number that refers to something."""
    text = text.strip()
    if not text:
        raise BadField(field, "This field is required.")
    if len(text) > 300 or _CONTROL.search(text) or not text.isprintable():
        raise BadField(field, "This is no name.")
    return text


def requested_filter(field: str, text: str) -> str:
    """`GaiaSP/any` and the like; `no` and nothing mean any band."""
    text = text.strip()
    if text.lower() in ("", "no", "none", "auto", "any"):
        return ANY_BAND
    if _FILTER.fullmatch(text) is None:
        raise BadField(
            field, f"'{text[:80]}' is no filter; write for example GaiaSP/any."
        )
    return requested_band(text)


def match_radius(field: str, value: str | float | None) -> float | None:
    """Arcseconds; nothing, zero and negative numbers mean automatic."""
    if value is None or value == "":
        return None
    try:
        radius = float(value)
    except ValueError as error:
        raise BadField(field, "A valid number is required.") from error
    if not radius <= _LARGEST_RADIUS_ARCSEC:  # also refuses NaN
        raise BadField(
            field,
            f"Ensure this value is at most {_LARGEST_RADIUS_ARCSEC:g} arcsec.",
        )
    return radius if radius > 0 else None


def mid_exposure_mjd(field: str, value: str | float | None) -> float | None:
    """A modified Julian date; nothing where nobody says."""
    if value is None or value == "":
        return None
    try:
        mjd = float(value)
    except ValueError as error:
        raise BadField(field, "A valid number is required.") from error
    if mjd > _JD_OF_MJD_0:
        raise BadField(field, "This is a Julian date; MJD = JD - 2400000.5 is needed.")
    if not _EARLIEST_MJD < mjd < _LATEST_MJD:  # also refuses NaN
        raise BadField(field, f"{mjd:g} is no modified Julian date of our time.")
    return mjd


def boolean(field: str, text: str) -> bool:
    """True or False in any of the usual spellings."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise BadField(field, "Must be True or False.")


def observer_names(field: str, values: Iterable[str]) -> tuple[str, ...]:
    """Usernames from repeated fields, comma lists or what looks like a JSON list."""
    names = []
    for value in values:
        for name in value.strip().strip("[]").split(","):
            name = name.strip().strip("'\"").strip()
            if name:
                names.append(reference(field, name))
    unique = tuple(dict.fromkeys(names))
    if len(unique) > MAX_OBSERVERS:
        raise BadField(field, f"At most {MAX_OBSERVERS} observers can be named.")
    return unique


def comment(field: str, text: str) -> str:
    """A remark; some clients send the word None for none."""
    text = _CONTROL.sub("", text).strip()
    if len(text) > MAX_COMMENT:
        raise BadField(field, f"Ensure this has at most {MAX_COMMENT} characters.")
    return "" if text == "None" else text


def batch(field: str, text: str) -> str | None:
    """The name of a batch, or nothing."""
    return reference(field, text)[:100] if text.strip() else None
