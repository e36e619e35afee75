"""Finds the middle of the exposure in a header's many dialects."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from astropy.io import fits

from bhtom_cpcs.science.offline import as_time
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.request import CameraSettings
from bhtom_cpcs.science.stop import Stop

_MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)
_ISO = re.compile(
    r"^\s*(\d{4})[-/](\d{1,2})[-/](\d{1,2})"
    r"(?:[T ]+(\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d*)?)?))?"
)
_OLD = re.compile(r"^\s*(\d{1,2})/(\d{1,2})/(\d{2})\s*$")
_CLOCK = re.compile(r"^\s*(\d{1,2})[:h ](\d{1,2})(?:[:m ](\d{1,2}(?:\.\d*)?))?s?\s*$")
_MIDDLE_WORD = re.compile(r"\bmid", re.IGNORECASE)
_TIME_CARDS = ("TIME-OBS", "UT", "UTSTART", "UTC-OBS", "UTC", "UT-OBS", "TIME-BEG")
_EXPOSURE_CARDS = ("EXPTIME", "EXPOSURE", "EXP_TIME", "ITIME", "TELAPSE", "DARKTIME")
# A card that names the middle outright comes before any that names a start.
_MIDDLE_DATES = ("DATE-AVG", "DATE-MID", "MIDPOINT")
_MIDDLE_MJDS = ("MJD-AVG", "MJD-MID", "MJDMID", "MID-MJD")
_START_DATES = ("DATE-BEG", "DATE_OBS", "DATEOBS", "DATE-STA")
_START_MJDS = ("MJD-OBS", "MJD-BEG", "MJD")
_START_JDS = ("JD", "JD-OBS", "JD_UTC", "JULIAN")
_SCALES = ("utc", "tai", "tt", "tdb", "ut1")
_EARLIEST_MJD, _LATEST_MJD = 10000.0, 100000.0  # 1886 to 2132


@dataclass(frozen=True, slots=True)
class ExposureTime:
    """The exposure as the header tells it, its middle in MJD (UTC)."""

    mid_mjd_utc: float
    exposure_s: float
    as_reported: str
    card: str
    scale: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Moment:
    mjd: float
    as_reported: str
    card: str
    is_middle: bool
    ambiguous: bool


def exposure_time(header: fits.Header, camera: CameraSettings) -> ExposureTime:
    """Read the exposure's middle and length.

    The camera's own keywords come first. A date without any word on what it marks
    counts as the start and is flagged `date_obs_taken_as_start`.

    Raises
    ------
    Stop
        `no_time` when no card gives a date with a time.
    """
    moment = _find_moment(header, camera)
    if moment is None:
        raise Stop(Outcome.NO_TIME, reason=_what_was_there(header, camera))
    flags = ["date_obs_taken_as_start"] if moment.ambiguous else []
    exposure_s = _exposure(header, camera)
    if exposure_s is None:
        exposure_s = 0.0
        flags.append("exposure_time_unknown")
    scale = str(header.get("TIMESYS", "UTC")).strip().lower() or "utc"
    if scale not in _SCALES:
        scale = "utc"
    mjd = _to_utc(moment.mjd, scale, flags)
    if not moment.is_middle:
        mjd += exposure_s / 86400 / 2
    if not _EARLIEST_MJD < mjd < _LATEST_MJD:
        raise Stop(
            Outcome.NO_TIME,
            reason=f"{moment.card} = '{moment.as_reported}' is no date of our time",
        )
    return ExposureTime(
        mjd, exposure_s, moment.as_reported, moment.card, scale.upper(), tuple(flags)
    )


def _find_moment(header: fits.Header, camera: CameraSettings) -> _Moment | None:
    """Try the cards in the order of how sure their meaning is."""
    for card in _MIDDLE_DATES:
        if (mjd := _date(header, card, ())) is not None:
            return _Moment(mjd, str(header[card]), card, True, False)
    for card in _MIDDLE_MJDS:
        if (mjd := _number(header, card, 0.0)) is not None:
            return _Moment(mjd, str(header[card]), card, True, False)
    times = (camera.time_keyword, *_TIME_CARDS)
    for card in (camera.date_keyword, "DATE-OBS", *_START_DATES):
        if (mjd := _date(header, card, times)) is not None:
            return _marked(header, card, mjd)
    for cards, zero in ((_START_MJDS, 0.0), (_START_JDS, 2400000.5)):
        for card in cards:
            if (mjd := _number(header, card, zero)) is not None:
                return _marked(header, card, mjd)
    return None


def _marked(header: fits.Header, card: str, mjd: float) -> _Moment:
    """Decide by the card's comment whether it marks the start or the middle."""
    comment = str(header.comments[card])
    middle = bool(_MIDDLE_WORD.search(comment))
    start = bool(re.search(r"\b(start|begin|open)", comment, re.IGNORECASE))
    ambiguous = not middle and not start and card != "DATE-BEG"
    return _Moment(mjd, str(header[card]), card, middle, ambiguous)


def _date(header: fits.Header, card: str, times: tuple[str, ...]) -> float | None:
    """MJD of a date card, its time of day from itself or from one of `times`."""
    text = _text(header, card)
    if text is None:
        return None
    clock: str | None = None
    if match := _ISO.match(text):
        year, month, day = (int(match[group]) for group in (1, 2, 3))
        clock = match[4]
    elif match := _OLD.match(text):
        day, month, year = (int(match[group]) for group in (1, 2, 3))
        year += 1900  # the old FITS convention ends with 1999
    else:
        return None
    seconds = _seconds(clock) if clock else None
    for time_card in times:
        if seconds is None and (reported := _text(header, time_card)):
            seconds = _seconds(reported.partition("T")[2] or reported)
    if seconds is None:
        return None
    try:
        midnight = datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None
    return (midnight - _MJD_EPOCH) / timedelta(days=1) + seconds / 86400


def _seconds(clock: str) -> float | None:
    """Seconds of the day of a clock text; 09:60:00 and the like are carried over."""
    match = _CLOCK.match(clock)
    if match:
        hours, minutes = int(match[1]), int(match[2])
        seconds = float(match[3] or 0)
    else:
        try:
            value = float(clock)  # decimal hours or seconds of the day
        except ValueError:
            return None
        hours, minutes, seconds = 0, 0, value if value > 24 else value * 3600
    total = hours * 3600 + minutes * 60 + seconds
    return total if 0 <= total <= 86401 else None


def _number(header: fits.Header, card: str, zero: float) -> float | None:
    """MJD of a numeric card; `zero` is subtracted (Julian dates)."""
    text = _text(header, card)
    if text is None:
        return None
    try:
        value = float(text) - zero
    except ValueError:
        return None
    return value if _EARLIEST_MJD < value < _LATEST_MJD else None


def _text(header: fits.Header, card: str) -> str | None:
    if not card or card not in header:
        return None
    try:
        return str(header[card]).strip() or None
    except fits.VerifyError:
        return None


def _exposure(header: fits.Header, camera: CameraSettings) -> float | None:
    for card in (camera.exposure_time_keyword, *_EXPOSURE_CARDS):
        text = _text(header, card)
        if text is None:
            continue
        try:
            value = float(text)
        except ValueError:
            continue
        if 0 < value < 86400:
            return value
    return None


def _to_utc(mjd: float, scale: str, flags: list[str]) -> float:
    if scale in ("utc", "ut1"):
        return mjd
    flags.append(f"converted_from_{scale}")
    return float(as_time(mjd, scale).utc.mjd)


def _what_was_there(header: fits.Header, camera: CameraSettings) -> str:
    """Name the date cards that were looked at and what they held."""
    found = [
        f"{card} = '{header[card]}'"
        for card in dict.fromkeys(
            (camera.date_keyword, camera.time_keyword, "DATE-OBS", "MJD-OBS", "JD")
        )
        if _text(header, card) is not None
    ]
    if found:
        return "found only " + ", ".join(found)
    return f"no {camera.date_keyword}, MJD-OBS or JD card"
