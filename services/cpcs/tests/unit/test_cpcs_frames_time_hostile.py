"""Whatever stands in time cards: a time, or the sentence that there is none."""

import math

from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from bhtom_cpcs.science.frames.clock_texts import read_clock
from bhtom_cpcs.science.frames.date_texts import read_date
from bhtom_cpcs.science.frames.exposure_time import ExposureTime, exposure_time
from bhtom_cpcs.science.frames.marks import mark_in
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.request import CameraSettings
from bhtom_cpcs.science.stop import Stop

CARDS = (
    *("DATE-OBS", "TIME-OBS", "UT", "UTC", "MJD-OBS", "JD", "DATE-END", "DATE-AVG"),
    *("DATE-LOC", "LOCALTIM", "LOCTIME", "TIMEZONE", "TZ", "TIMESYS", "EXPTIME"),
    *("HJD", "NCOMBINE", "MJD-END"),
)
PIECES = st.sampled_from(
    [
        *(
            "2025-11-21",
            "T",
            "21:03:04",
            ",5",
            "Z",
            "+01:00",
            "-07",
            " ",
            "local",
            "UT",
        ),
        *("21h03m04s", "PM", "25/13/99", "1e400", "nan", "-", "MST", "UTC+2", "9" * 12),
        *("start", "not", "mid", "end", "=", "(", "2461000.75", "61000.25", "0", "61"),
    ]
)
TEXTS = st.lists(PIECES, max_size=6).map("".join) | st.text(
    alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=30
)
VALUES = TEXTS | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e7, 1e7)


def read(header: fits.Header) -> ExposureTime | Stop:
    try:
        return exposure_time(header, CameraSettings())
    except Stop as stop:
        return stop


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from(CARDS), st.tuples(VALUES, TEXTS)))
def test_any_cards(cards: dict[str, tuple[object, str]]) -> None:
    header = fits.Header()
    for name, (value, comment) in cards.items():
        header[name] = (value, comment[: 60 - len(str(value)) % 30])
    found = read(header)
    if isinstance(found, Stop):
        assert found.outcome is Outcome.NO_TIME
        return
    assert 10_000 < found.mid_mjd_utc < 100_000
    assert math.isfinite(found.exposure_s)
    assert ("time_cards_disagree" in found.flags) <= bool(found.remarks)


def test_texts_of_many_cards_take_no_time() -> None:
    # a second each where a pattern goes back and forth over them
    for long in ("1:" * 200_000, "h" * 400_000, "start not " * 40_000, "9" * 400_000):
        assert read_clock(long) is None
        assert read_date(long) is None
        header = fits.Header()
        header["DATE-OBS"] = long
        header["TIMESYS"] = long
        header["TIMEZONE"] = long
        header["MJD-OBS"] = long
        found = read(header)
        assert isinstance(found, Stop)
        assert len(found.message) < 1000
    assert mark_in("not " * 30 + "mid, start") == "start"
