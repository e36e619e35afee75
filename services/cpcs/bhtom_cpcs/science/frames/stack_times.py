"""When the exposures of a stack were taken, where its header says so."""

import re
from collections.abc import Sequence
from typing import Final

from astropy.io import fits

from bhtom_cpcs.science.frames.date_texts import read_date
from bhtom_cpcs.science.frames.header_cards import text_of
from bhtom_cpcs.science.frames.moments import Moment

START_CARDS = (
    *("DATE-BEG", "DATE_BEG", "MJD-BEG", "EXPSTART", "TEXPSTRT"),
    *("MJD-STR", "JD-BEG", "JD-START"),
)
END_CARDS = (
    *("DATE-END", "DATE_END", "MJD-END", "EXPEND", "TEXPEND", "MJDEND"),
    *("JD-END", "JD-STOP"),
)
# Cards that list what a frame was made of, and the digits of their numbers. ESO's
# products name their raw files in PROV1, PROV2 ... (ESO Science Data Products Standard,
# ESO-044286), IRAF's imcombine in IMCMB001 ..., and archive names of raw files are the
# instrument and the moment that the exposure began: EMMI.2003-01-02T03:04:05.678.fits.
# CFHT's slices have theirs in SLDATE01 ...
_LISTS: Final = (("PROV", 1), ("IMCMB", 3), ("SLDATE", 2))
_MOMENT: Final = re.compile(
    r"(?<!\d)\d{4}-\d\d-\d\d[T_]\d\d[:_]\d\d[:_]\d\d(?:\.\d+)?(?!\d)"
)
_MOST_EXPOSURES: Final = 999
_LONGEST_DAYS: Final = 30.0  # what is further apart belongs to different things


def interval(moments: Sequence[Moment]) -> tuple[float, float] | None:
    """First start and last end in MJD (UTC), where the header tells both surely."""
    sure = {
        moment.card: moment
        for moment in moments
        if not moment.doubts and moment.counted_at is None
    }
    starts = [
        sure[card].mjd
        for card in (*START_CARDS, "DATE-OBS", "MJD-OBS")
        if card in sure and sure[card].mark in ("start", None)
    ]
    ends = [
        sure[card].mjd
        for card in END_CARDS
        if card in sure and sure[card].mark == "end"
    ]
    if not starts or not ends:
        return None
    return (starts[0], ends[0]) if 0 < ends[0] - starts[0] < _LONGEST_DAYS else None


def _iso(text: str) -> str:
    """A moment in a file's name, where some systems allow no colons."""
    return f"{text[:10]}T{text[11:].replace('_', ':')}"


def exposure_starts(header: fits.Header, n_exposures: int) -> tuple[float, ...]:
    """MJD at which each exposure of a stack began, in order; empty where untold.

    A list counts that has as many entries as the stack exposures, with a moment in
    each. Names of files tell nothing but their time: one that does not have it, or
    lies a month from the others, makes the list worthless.
    """
    if not 1 < n_exposures <= _MOST_EXPOSURES:
        return ()
    for stem, digits in _LISTS:
        starts = []
        for number in range(1, n_exposures + 2):
            text = text_of(header, f"{stem}{number:0{digits}d}")
            if text is None:
                break
            found = _MOMENT.search(text)
            told = read_date(_iso(found[0])) if found else None
            starts.append(told.mjd if told is not None and told.has_clock else None)
        known = sorted(start for start in starts if start is not None)
        whole = len(starts) == len(known) == n_exposures
        if whole and 0 < known[-1] - known[0] < _LONGEST_DAYS:
            return tuple(known)
    return ()
