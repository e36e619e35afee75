"""Dates and exposure times that say less, or more, than a number of seconds."""

import pytest
from astropy.io import fits

from bhtom_cpcs.science.frames.exposure_time import ExposureTime, exposure_time
from bhtom_cpcs.science.request import CameraSettings

DAY = 61000.0  # 2025-11-21
START = DAY + 0.25
MINUTE = 1 / 1440


def read(**cards: object) -> ExposureTime:
    header = fits.Header()
    for name, value in cards.items():
        header[name.replace("_", "-")] = value
    return exposure_time(header, CameraSettings())


def off_s(found: ExposureTime, expected: float) -> float:
    return abs(found.mid_mjd_utc - expected) * 86400


@pytest.mark.parametrize("date", ["T00:00:00", "T00:00:00.000", " 00:00", "T00:00:00Z"])
@pytest.mark.parametrize("card", ["UT", "TIME_OBS"])
@pytest.mark.parametrize("clock", ["06:00:00", "13:59:30", "23:58:00"])
def test_midnight_beside_a_time_of_day_is_a_date(
    date: str, card: str, clock: str
) -> None:
    found = read(**{"DATE_OBS": f"2025-11-21{date}", card: clock, "EXPTIME": 60})
    hours, minutes, seconds = map(int, clock.split(":"))
    start = DAY + (hours * 3600 + minutes * 60 + seconds) / 86400
    assert off_s(found, start + MINUTE / 2) < 0.01
    assert "time_cards_disagree" not in found.flags


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"UT": "00:00:00"},
        {"UT": "23:59:59"},
        {"LT": ("01:00:00", "local time")},
        {"DATE_END": "2025-11-21T00:01:00"},
    ],
)
def test_an_exposure_may_begin_at_midnight(beside: dict[str, object]) -> None:
    found = read(DATE_OBS="2025-11-21T00:00:00", EXPTIME=60, **beside)
    assert off_s(found, DAY + MINUTE / 2) < 0.01


def test_an_exposure_may_end_at_midnight() -> None:
    found = read(
        DATE_OBS="2025-11-20T23:59:00",
        UT="23:59:00",
        DATE_END="2025-11-21T00:00:00",
        EXPTIME=60,
    )
    assert off_s(found, DAY - MINUTE / 2) < 0.01
    assert "time_cards_disagree" not in found.flags


@pytest.mark.parametrize(
    ("date", "clock", "start_s"),
    [
        ("2025-11-21T06:00", "06:00:25", 25),
        ("2025-11-21T06:00", "05:59:45", -15),
        ("2025-11-21T06:00", "09:00:25", 0),
        ("2025-11-21T06:00:10", "06:00:25", 10),
    ],
)
def test_a_date_to_the_minute_has_its_seconds_from_the_clock(
    date: str, clock: str, start_s: float
) -> None:
    found = read(DATE_OBS=date, UT=clock, EXPTIME=60)
    assert off_s(found, START + (start_s + 30) / 86400) < 0.01


@pytest.mark.parametrize(
    ("value", "comment", "exposure_s"),
    [
        ("1 min", "", 60),
        ("1m", "", 60),
        ("1,5 min", "", 90),
        ("60000 ms", "", 60),
        ("60 s", "exposure in min", 60),
        ("0.5 h", "", 1800),
        ("6e7 us", "", 60),
        (60, "exposure time (min 0.1 s)", 60),
        (60, "exposure time (minimum: 1 ms)", 60),
        (60, "exposure time, max 10 min", 60),
        (1, "exposure time in min", 60),
        (1, "[min] exposure", 60),
        (60000, "[ms]", 60),
    ],
)
def test_units_of_exposure_times(
    value: object, comment: str, exposure_s: float
) -> None:
    found = read(DATE_OBS="2025-11-21T06:00:00", EXPTIME=(value, comment))
    assert found.exposure_s == pytest.approx(exposure_s)
    assert off_s(found, START + exposure_s / 2 / 86400) < 0.01


@pytest.mark.parametrize("start", ["DATE_OBS", "DATE_BEG"])
def test_without_exposure_time_the_middle_is_between_start_and_end(start: str) -> None:
    cards = {start: "2025-11-21T06:00:00", "DATE_END": "2025-11-21T06:01:00"}
    found = read(**cards)
    assert off_s(found, START + MINUTE / 2) < 0.01
    assert "exposure_time_unknown" in found.flags


def test_an_end_that_tells_the_day_alone_is_no_end() -> None:
    found = read(DATE_OBS="2025-11-21T06:00:00", DATE_END="2025-11-22T00:00:00")
    assert off_s(found, START) < 0.01


@pytest.mark.parametrize("offset", [0.0, 2450000.0, 2400000.5])
def test_julian_dates_with_and_without_their_first_digits(offset: float) -> None:
    jd = START + 2400000.5
    found = read(JD=jd - offset, EXPTIME=60)
    assert off_s(found, START + MINUTE / 2) < 0.1
    old = read(MJD_OBS=11100.5, EXPTIME=60)
    assert off_s(old, 11100.5 + MINUTE / 2) < 0.1
