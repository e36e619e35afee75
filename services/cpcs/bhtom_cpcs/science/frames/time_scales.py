"""Time scales of headers, and the way from each of them to UTC."""

import re

from astropy.io import fits
from astropy.utils.iers import IERSRangeError

from bhtom_cpcs.science.frames.header_cards import text_of
from bhtom_cpcs.science.offline import as_time

# Moments that are not counted where the telescope stands.
HELIOCENTRIC = ("hjd", "bjd")
_GPS_BEHIND_TAI_S = 19.0  # GPS time was UTC in January 1980, 19 s behind TAI
_SAME = {
    "utc": "utc",
    "ut": "utc",
    "gmt": "utc",
    "z": "utc",
    "ut1": "ut1",
    "tai": "tai",
    "iat": "tai",
    "tt": "tt",
    "tdt": "tt",
    "et": "tt",
    "tdb": "tdb",
    "tcb": "tcb",
    "tcg": "tcg",
    "gps": "gps",
}


def scale_of(header: fits.Header, card: str) -> tuple[str, bool]:
    """Scale of a card's time by the header's TIMESYS, UTC by default.

    The second value is False where TIMESYS names no scale that is known (`LOCAL`).
    """
    if card.startswith("HJD"):
        return "hjd", True
    if card.startswith("BJD"):
        return "bjd", True
    if card.endswith("_UTC"):
        return "utc", True
    text = text_of(header, "TIMESYS")
    if text is None:
        return "utc", True
    word = re.match(r"[a-z0-9]*", text.lower())
    name = word[0] if word is not None else ""
    return (_SAME[name], True) if name in _SAME else ("utc", False)


def to_utc(mjd: float, scale: str) -> float:
    """MJD (UTC) of a moment in another scale; leap seconds come with astropy.

    Heliocentric and barycentric moments keep their light time: it needs a direction.
    """
    if scale in ("utc", "hjd"):
        return mjd
    if scale == "gps":
        return float(as_time(mjd + _GPS_BEHIND_TAI_S / 86400, "tai").utc.mjd)
    if scale == "bjd":
        scale = "tdb"
    try:
        return float(as_time(mjd, scale).utc.mjd)
    except (IERSRangeError, ValueError):
        return mjd  # UT1 of a time without Earth rotation tables: 0.9 s at most
