"""All moments of the exposure that a header tells, and the surest of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from astropy.io import fits

from bhtom_cpcs.science.frames.local_time import LOCAL_CLOCKS, LOCAL_DATES
from bhtom_cpcs.science.frames.marks import Mark, mark_of
from bhtom_cpcs.science.frames.moments import TIME_CARDS, Moment, dated, numbered
from bhtom_cpcs.science.frames.stack_times import END_CARDS, START_CARDS
from bhtom_cpcs.science.request import CameraSettings

# Cards whose name says what they mark come first.
_MIDDLE_CARDS = (
    "DATE-AVG",
    "DATE-MID",
    "MIDPOINT",
    "MJD-AVG",
    "MJD-MID",
    "MJDMID",
    "MID-MJD",
    "EXPMID",
    "JD-MID",
    "JDMID",
    "JD-AVG",
    "MIDJD",
)
_OPEN_DATES = ("DATE-OBS", "DATE_OBS", "DATEOBS", "OBS-DATE", "DATE-STA", "DATESTRT")
_OPEN_NUMBERS = (
    "MJD-OBS",
    "MJD_OBS",
    "MJD",
    "MJDATE",
    "OBSMJD",
    "MJD_UTC",
    "JD",
    "JD-OBS",
    "JD_UTC",
    "JD_OBS",
    "OBSJD",
    "JULIAN",
)
# Counted at the Sun or the barycentre, 8 minutes away at most.
AWAY_CARDS = ("HJD", "HJD-OBS", "HJD-MID", "BJD", "BJD_TDB", "BJD-OBS")
_CLOCK_S = 1.0


def told_moments(header: fits.Header, camera: CameraSettings) -> Iterator[Moment]:
    """Every moment the header tells, in the order of how sure the cards' meaning is."""
    times = (camera.time_keyword, *TIME_CARDS, *LOCAL_CLOCKS)
    groups: tuple[tuple[tuple[str, ...], Mark | None], ...] = (
        ((camera.date_keyword,) if camera.date_keyword != "DATE-OBS" else (), None),
        (_MIDDLE_CARDS, "middle"),
        (_OPEN_DATES, None),
        (START_CARDS, "start"),
        (_OPEN_NUMBERS, None),
        (END_CARDS, "end"),
        (AWAY_CARDS, None),
        (LOCAL_DATES, None),
    )
    for cards, mark in groups:
        for card in cards:
            found = dated(header, card, times) or numbered(header, card)
            if found is not None:
                yield replace(found, mark=mark or found.mark or mark_of(header, card))


def to_middle(mark: Mark | None) -> float:
    """Exposures from a moment to the middle; nothing said means the start."""
    return {"middle": 0.0, "end": -0.5}.get(mark or "start", 0.5)


def surest(moments: Sequence[Moment], exposure_s: float) -> Moment | None:
    """The first exact moment, with its mark where the others give it away.

    One in local time only where there is none in UTC.
    """
    exact = sorted((m for m in moments if not m.rough), key=lambda m: m.local)
    if not exact:
        return moments[0] if moments else None
    first = exact[0]
    if first.mark is not None:
        return first
    marked = [
        other
        for other in exact[1:]
        if other.mark and other.card not in AWAY_CARDS and other.local == first.local
    ]
    return replace(first, mark=_mark_by(first, marked, exposure_s))


def _mark_by(first: Moment, marked: Sequence[Moment], exposure_s: float) -> Mark | None:
    """What a moment must mark for another card, whose mark is known, to be true."""
    tolerance_s = _CLOCK_S + 0.02 * exposure_s
    marks: tuple[Mark, ...] = ("start", "middle", "end")
    for other in marked:
        apart_s = (other.mjd - first.mjd) * 86400
        if abs(apart_s) < _CLOCK_S:
            return other.mark
        for mark in marks:
            expected_s = (to_middle(mark) - to_middle(other.mark)) * exposure_s
            if abs(apart_s - expected_s) < tolerance_s < exposure_s / 6:
                return mark
    return None
