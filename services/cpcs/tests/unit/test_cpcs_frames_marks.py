"""What the comments of time cards say that a moment marks."""

import pytest
from astropy.io import fits

from bhtom_cpcs.science.frames.marks import mark_in, mark_of

STARTS = (
    "start, not mid, of exposure",
    "start of exposure (not mid-point)",
    "not the middle but the start",
    "exposure start rather than mid-exposure",
    "start of exposure; mid = start + EXPTIME/2",
    "start; add EXPTIME/2 for mid-exposure",
    "add EXPTIME/2 to get mid-exposure, this is start",
    "end - EXPTIME = start",
    "YYYY-MM-DDThh:mm:ss observation start, UT",
    "Julian Date at start of exposure",
    "System Clock:Est. Frame Start",
    "UTC start date of observation",
    "GMT START OF EXPOSURE",
    "UT begining of observation",
    "UTC of exposure start",
    "Start of exposure.FITS standard",
    "Obs start 2014-03-01T01:02:03",
    "[UTC] Start date and time of the observation",
    "UTC shutter opened",
    "UTC Exposure Start",
    "s.date_obs / UT date at exposure start",
    "s.datetu / UT date (exp.start) [YYYYMMDD]",
    "Greenwich Mean Time of exposure start",
    "close to the start of exposure",
    "Begin of exposure",
    "exposure began",
    "Date exposure was begun",
    "time at beginning of exposure (not midpoint!)",
    "start (UT), middle see DATE-AVG",
    "Exposure start time (standard Julian date)",
    "no mid, start",
    "Universal time (start of exposure)",
    "Debut de pose",
    "inicio de la exposicion",
    "open shutter time",
    "TAI start time - MJD",
    "observation start, not midpoint or end",
    "start of exposure - not mid-exposure",
    "not mid-exposure but start",
    "start of exposure isn't mid-exposure",
    "start (never the middle)",
    "UT of start, w/o mid",
)
MIDDLES = (
    "Mid-exposure, not start",
    "this isn't the start: mid exposure",
    "mid exposure = start + EXPTIME/2",
    "UT at mid-exposure (start + exptime/2)",
    "(start+end)/2, mid-exposure",
    "midpoint between start and end",
    "half of start and end",
    "mean of start and stop",
    "System Clock:Est. Frame Mid Point",
    "Averaged midpoint time (UTC)",
    "s.jd / Julian day at mid-exposure",
    "Modified Julian date at mid-exposure",
    "Date and time of midpoint of the exposure",
    "center of exposure",
    "MIDEXPOSURE",
    "YYYY-MM-DDThh:mm:ss observation mean, UT",
    "UT of middle of observation, start is in UTSTART",
    "UT midtime",
    "milieu de pose",
    "MJD of midpoint of exposure (UTC)",
    "UTC at mid of exposure, not at its beginning",
    "middle; neither start nor end",
    "not at the start but in the middle",
)
ENDS = (
    "System Clock:Est. Frame End",
    "[UTC] Time of the end of the observation",
    "shutter closed",
    "Shutter closed (end of exposure)",
    "UT at end of exposure, start + EXPTIME",
    "end of exposure, not start",
    "date of last exposure, end",
)
NOTHING = (
    "not mid",
    "neither start nor end",
    "start or mid of exposure",
    "from start to end",
    "Time of observation (UTC)",
    "Observing date",
    "MIDAS desc.: O_TIME(1)",
    "seconds from midnight",
    "Greenwich mean time",
    "UT time of observation",
    "date at start of night",
    "Image created time",
    "centre for astrophysics",
    "Central Standard Time",
    "1st row - Number of seconds since Nov 17 1858",
    "UT at start of readout",
    "not start",
    "start/mid",
)


@pytest.mark.parametrize(
    ("comment", "mark"),
    [
        *((comment, "start") for comment in STARTS),
        *((comment, "middle") for comment in MIDDLES),
        *((comment, "end") for comment in ENDS),
        *((comment, None) for comment in NOTHING),
    ],
)
def test_phrases(comment: str, mark: str | None) -> None:
    assert mark_in(comment) == mark
    assert mark_in(comment.upper()) == mark


@pytest.mark.parametrize(
    ("card", "comment", "mark"),
    [
        ("UTSTART", "", "start"),
        ("UTMIDDLE", "universal time", "middle"),
        ("UT", "UT of exposure start", "start"),
        ("UT", "", None),
    ],
)
def test_names_of_cards(card: str, comment: str, mark: str | None) -> None:
    header = fits.Header()
    header[card] = ("06:00:00", comment)
    assert mark_of(header, card) == mark
