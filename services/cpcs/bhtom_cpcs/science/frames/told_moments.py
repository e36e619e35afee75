"""All moments of the exposure that a header tells, and the surest of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from astropy.io import fits

from bhtom_cpcs.science.frames.counting import counted
from bhtom_cpcs.science.frames.header_cards import comment_of
from bhtom_cpcs.science.frames.local_time import LOCAL_CLOCKS, LOCAL_DATES
from bhtom_cpcs.science.frames.marks import Mark, clash_of, mark_in, mark_of
from bhtom_cpcs.science.frames.moments import (
    END_CLOCKS,
    MIDDLE_CLOCKS,
    TIME_CARDS,
    Moment,
    dated,
    numbered,
)
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
    "JD_SOBS",
)
# Counted at the Sun or the barycentre, 8 minutes away at most; JD-HELIO is MaxIm's,
# those with a scale are AstroImageJ's, HJD is of IRAF's setjd.
_AWAY_CARDS = (
    "BJD_TDB",
    "BJD-TDB",
    "BJD",
    "BJD-OBS",
    "BJD_OBS",
    "BJD-MID",
    "BJDMID",
    "BJD_TT",
    "BJD_UTC",
    "BMJD",
    "HJD_UTC",
    "HJD_TT",
    "HJD_TDB",
    "HJD",
    "HJD-OBS",
    "HJD_OBS",
    "HJD-MID",
    "HJDMID",
    "JD-HELIO",
    "JD_HELIO",
    "HMJD",
)
_CLOCK_S = 1.0


def told_moments(header: fits.Header, camera: CameraSettings) -> Iterator[Moment]:
    """Every moment the header tells, in the order of how sure the cards' meaning is."""
    times = (camera.time_keyword, *TIME_CARDS, *LOCAL_CLOCKS)
    clocks = {
        "middle": (*MIDDLE_CLOCKS, *times),
        "end": (*END_CLOCKS, *times),
    }
    groups: tuple[tuple[tuple[str, ...], Mark | None], ...] = (
        ((camera.date_keyword,) if camera.date_keyword != "DATE-OBS" else (), None),
        (_MIDDLE_CARDS, "middle"),
        (_OPEN_DATES, None),
        (START_CARDS, "start"),
        (_OPEN_NUMBERS, None),
        (END_CARDS, "end"),
        (_AWAY_CARDS, None),
        (LOCAL_DATES, None),
    )
    for cards, mark in groups:
        for card in cards:
            beside = clocks.get(mark or "", times)
            found = dated(header, card, beside) or numbered(header, card)
            if found is not None:
                yield counted(_marked(found, mark, header), header)


def _marked(found: Moment, by_name: Mark | None, header: fits.Header) -> Moment:
    """What a moment marks, by its card's name, its clock's, or their comments.

    Where they say two things the name of a card counts, and that is a doubt.
    """
    told = mark_in(comment_of(header, found.card))
    mark, doubt = by_name or found.mark or mark_of(header, found.card), None
    if by_name is not None and told is not None and told != by_name:
        doubt = f"its name says {by_name} of the exposure and its comment {told}"
    if found.clock_card is not None and by_name is not None and by_name != found.mark:
        mark = found.mark or by_name
        other = found.mark or "nothing"
        doubt = f"it marks the {by_name} and its clock {found.clock_card} {other}"
    if found.clock_card is not None and (clash := clash_of(header, found.clock_card)):
        doubt = clash
    if doubt is None:
        return replace(found, mark=mark)
    said = f"{found.card} = {found.text}: {doubt}."
    return replace(found, mark=mark, doubts=(*found.doubts, said))


def to_middle(mark: Mark | None) -> float:
    """Exposures from a moment to the middle; nothing said means the start."""
    return {"middle": 0.0, "end": -0.5}.get(mark or "start", 0.5)


def surest(moments: Sequence[Moment], exposure_s: float) -> Moment | None:
    """The first exact moment, with its mark where the others give it away.

    One in local time only where there is none in UTC, one of the Sun or the barycentre
    only where there is none of the telescope, a doubtful one after those without doubt.
    """
    exact = sorted((m for m in moments if not m.rough), key=_worse)
    if not exact:
        return moments[0] if moments else None
    first = exact[0]
    if first.mark is not None:
        return first
    marked = [
        other
        for other in exact[1:]
        if other.mark
        and other.local == first.local
        and other.counted_at == first.counted_at
        and not other.doubts
    ]
    return replace(first, mark=_mark_by(first, marked, exposure_s))


def _worse(moment: Moment) -> tuple[bool, bool, bool]:
    return moment.local, moment.counted_at is not None, bool(moment.doubts)


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
