"""How values are written on the pages: numbers with units, times in UTC."""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from jinja2 import Undefined

from bhtom_web import coordinates

NOTHING: Final = "–"
_MOST_DIGITS: Final = 6
_CLOSE: Final = ("", "°", "′", "″")
_MJD_EPOCH: Final = datetime(1858, 11, 17, tzinfo=UTC)


def number(value: Any, digits: int = 2, unit: str = "") -> str:
    """A number with its unit, or a dash when there is none."""
    figure = as_float(value)
    if figure is None:
        return NOTHING
    text = f"{figure:.{digits}f}"
    if not text.strip("-0."):
        # Of what rounds to nothing no sign is left.
        text = text.removeprefix("-")
    text = text.replace("-", "−")
    # Signs of angle stand at their number; every other unit after a space.
    return f"{text}{'' if unit[:1] in _CLOSE else ' '}{unit}"


def figure(value: Any) -> str:
    """A number with all the digits that it was given with, or a dash."""
    known = as_float(value)
    return NOTHING if known is None else f"{known:.12g}".replace("-", "−")


def measured(value: Any, error: Any, unit: str = "") -> str:
    """A figure with its error, which is given to two digits; the unit after both."""
    sigma = as_float(error)
    if sigma is None or sigma <= 0:
        return number(value, 3, unit)
    digits = min(max(1 - math.floor(math.log10(sigma)), 0), _MOST_DIGITS)
    return f"{number(value, digits)} ± {number(sigma, digits, unit)}"


def signed(value: Any, digits: int = 2, unit: str = "") -> str:
    """A difference: with its sign, unless it rounds to nothing."""
    text = number(value, digits, unit)
    is_positive = (as_float(value) or 0.0) > 0 and bool(re.search("[1-9]", text))
    return f"+{text}" if is_positive else text


def outcome(value: Any) -> str:
    """How a frame ended, in words of the night and not of the program."""
    return OUTCOMES.get(str(value), words(value))


def count(value: Any) -> str:
    """A whole number with thin spaces between the thousands."""
    figure = as_float(value)
    return NOTHING if figure is None else f"{int(figure):,}".replace(",", "\u202f")


def right_ascension(value: Any, more_digits: int = 0) -> str:
    """Hours, minutes and seconds from degrees."""
    figure = as_float(value)
    if figure is None:
        return NOTHING
    return coordinates.write_right_ascension(figure, more_digits)


def declination(value: Any, more_digits: int = 0) -> str:
    """Degrees, arcminutes and arcseconds from degrees."""
    figure = as_float(value)
    if figure is None:
        return NOTHING
    return coordinates.write_declination(figure, more_digits)


def utc(value: Any, *, seconds: bool = False) -> str:
    """`2026-11-22 14:39 UTC` from an ISO 8601 time."""
    moment = as_time(value)
    if moment is None:
        return NOTHING
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC" if seconds else "%Y-%m-%d %H:%M UTC")


def day(value: Any) -> str:
    """`2026-11-22` from an ISO 8601 time."""
    moment = as_time(value)
    return NOTHING if moment is None else moment.strftime("%Y-%m-%d")


def mjd_utc(value: Any) -> str:
    """The calendar time of a Modified Julian Date in UTC."""
    figure = as_float(value)
    if figure is None or not 0 <= figure < 2_000_000:
        return NOTHING
    moment = _MJD_EPOCH + timedelta(days=figure)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def ago(value: Any) -> str:
    """`3 minutes ago`, for times that are recent."""
    moment = as_time(value)
    if moment is None:
        return NOTHING
    seconds = (datetime.now(UTC) - moment).total_seconds()
    if seconds < 60:
        return "just now"
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            many = int(seconds // size)
            return f"{many} {name}{'s' if many > 1 else ''} ago"
    return NOTHING


def file_size(value: Any) -> str:
    """`2.6 MB`: decimal units, as file managers write them."""
    figure = as_float(value)
    if figure is None:
        return NOTHING
    for unit in ("B", "kB", "MB"):
        if figure < 1000:
            return f"{figure:.0f} B" if unit == "B" else f"{figure:.1f} {unit}"
        figure /= 1000
    return f"{figure:.1f} GB"


def words(value: Any) -> str:
    """A code such as `no_wcs` as words."""
    if value is None or isinstance(value, Undefined):
        return NOTHING
    return str(value).replace("_", " ")


def upload_state(value: Any) -> str:
    """What a data product's state is called."""
    return UPLOAD_STATES.get(str(value), words(value))


def passband(value: Any) -> str:
    """`r` for `GaiaSP/r`, where the catalogue stands beside it anyway."""
    return str(value).rpartition("/")[2]


def band_text(value: Any) -> str:
    """`r(GaiaSP)` for `GaiaSP/r`: what points, plots and verdicts say."""
    catalogue, slash, band = str(value).rpartition("/")
    return f"{band}({catalogue})" if slash else str(value)


def classification(value: Any) -> str:
    """What kind of object a target is."""
    return "not classified" if value in ("Unknown", "", None) else str(value)


def as_float(value: Any) -> float | None:
    """A finite number, or nothing."""
    if value is None or isinstance(value, (Undefined, bool)):
        return None
    try:
        figure = float(value)
    except (TypeError, ValueError):
        return None
    return figure if math.isfinite(figure) else None


def as_time(value: Any) -> datetime | None:
    """An aware time from ISO 8601 text, or nothing."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (
        moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    )


UPLOAD_STATES: Final = {
    "received": "Received",
    "calibrating": "Being calibrated",
    "waiting": "Waiting",
    "recording": "Being recorded",
    "done": "Done",
    "failed": "Failed",
    "deleted": "Deleted",
}

# In the words of who took the frame; the sentence beside it says more.
OUTCOMES: Final = {
    "calibrated": "measured",
    "limit": "not seen: limit",
    "frame_missing": "file missing",
    "unreadable": "file unreadable",
    "unreadable_catalogue": "list unreadable",
    "no_image": "no image",
    "empty_image": "empty image",
    "image_too_large": "image too large",
    "bad_image": "bad image",
    "is_dark": "dark frame",
    "is_bias": "bias frame",
    "is_flat": "flat field",
    "is_cube": "several exposures",
    "is_difference": "difference image",
    "not_a_sky_frame": "no frame of the sky",
    "no_time": "no date",
    "no_wcs": "not solved",
    "target_outside_frame": "target off the frame",
    "too_few_stars": "too few stars",
    "too_few_matches": "stars not recognised",
    "no_reference_in_band": "no reference stars in the band",
    "unknown_filter": "unknown filter",
    "poor_zero_point": "zero point too uncertain",
    "not_linear": "not linear",
    "target_position_unknown": "target's position unknown",
    "target_saturated": "target saturated",
    "target_masked": "target on bad pixels",
    "waiting_for_catalogue": "waiting for reference stars",
    "saturated_frame": "frame saturated",
    "trailed": "trailed stars",
    "out_of_focus": "out of focus",
    "timed_out": "took too long",
    "worker_crashed": "broke off",
    "superseded": "replaced by a newer request",
}

RECALIBRATION_STATES: Final = {
    "collecting": "Looking for frames",
    "previewing": "Preview under way",
    "previewed": "Waits for your word",
    "accepting": "Being recorded",
    "done": "Done",
    "stopped": "Stopped",
    "discarded": "Discarded",
    "failed": "Not carried out",
}
RECALIBRATION_ITEMS: Final = {
    "selected": "to do",
    "previewing": "being calibrated",
    "previewed": "compared",
    "recording": "being recorded",
    "done": "recorded",
    "failed": "failed",
    "skipped": "left as it was",
}


def recalibration_state(value: Any) -> str:
    """Where a re-calibration stands."""
    return RECALIBRATION_STATES.get(str(value), words(value))


def recalibration_item(value: Any) -> str:
    """Where a frame of a re-calibration stands."""
    return RECALIBRATION_ITEMS.get(str(value), words(value))


FILTERS: Final = {
    "number": number,
    "figure": figure,
    "measured": measured,
    "signed": signed,
    "outcome": outcome,
    "recalibration_state": recalibration_state,
    "recalibration_item": recalibration_item,
    "thousands": count,
    "ra": right_ascension,
    "dec": declination,
    "utc": utc,
    "day": day,
    "mjd_utc": mjd_utc,
    "ago": ago,
    "file_size": file_size,
    "words": words,
    "upload_state": upload_state,
    "passband": passband,
    "band_text": band_text,
    "classification": classification,
}
