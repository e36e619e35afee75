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
        ("00:01:00", "", 60),
        ("01:00:00", "", 3600),
        ("0:01:00.5", "hh:mm:ss", 60.5),
        ("01:30", "mm:ss", 90),
        ("01:30", "[hh:mm]", 5400),
        ("01:30.5", "", 90.5),
        ("60.0 sec", "", 60),
        ("60 seconds of light", "", 60),
        ("1m30s", "", 90),
        ("1h00m00s", "", 3600),
        ("PT1M30S", "", 90),
        ("1/60", "", 1 / 60),
        ("1/4 s", "", 0.25),
        ("2x30", "", 60),
        ("2 x 30 s", "", 60),
        ("30s*2", "", 60),
        ("3x00:01:00", "", 180),
    ],
)
def test_units_of_exposure_times(
    value: object, comment: str, exposure_s: float
) -> None:
    found = read(DATE_OBS="2025-11-21T06:00:00", EXPTIME=(value, comment))
    assert found.exposure_s == pytest.approx(exposure_s)
    assert off_s(found, START + exposure_s / 2 / 86400) < 0.01


@pytest.mark.parametrize(
    "text",
    [
        *("01:00", "60 (3)", "60s/120s", "1,000", "00:99:00", "60 ADU", "60 s + 60 s"),
        *("1:2:3:4", "60 sec (2 coadds)", "2 x 3 x 4", "1/0", "9" * 81),
    ],
)
def test_exposure_times_that_leave_it_open_are_none(text: str) -> None:
    found = read(DATE_OBS=("2025-11-21T06:00:00", "start"), EXPTIME=text)
    assert found.exposure_s == 0
    assert {"time_uncertain", "exposure_time_unknown"} <= set(found.flags)
    assert "EXPTIME" in found.remarks[0]
    other = read(DATE_OBS=("2025-11-21T06:00:00", "start"), EXPTIME=text, EXPOSURE=60.0)
    assert other.exposure_s == 60
    assert "time_uncertain" not in other.flags
    middle = read(DATE_OBS=("2025-11-21T06:00:00", "middle of exposure"), EXPTIME=text)
    assert off_s(middle, START) < 0.01
    assert "time_uncertain" not in middle.flags


@pytest.mark.parametrize("text", ["n/a", "auto", "", "-", "0", "-1", "None", True])
def test_texts_that_are_no_exposure_time_hide_none(text: object) -> None:
    found = read(DATE_OBS="2025-11-21T06:00:00", EXPTIME=text, EXPOSURE=60.0)
    assert found.exposure_s == 60
    assert found.remarks == ()


@pytest.mark.parametrize(
    ("cards", "exposure_s", "count"),
    [
        ({"EXPOINUS": 60000000}, 60, 1),
        ({"EXPOINUS": (60, "[s]")}, 60, 1),
        ({"EXPMS": 60000.0}, 60, 1),
        ({"EXP_MS": "60000 ms"}, 60, 1),
        ({"LEXP": 60}, 60, 1),
        ({"AEXPTIME": 60}, 60, 1),
        ({"TEXPTIME": (1, "total, min")}, 60, 1),
        ({"ITIME": 12.0, "COADDS": 5}, 60, 5),
        ({"DIT": 12.0, "NDIT": 5}, 60, 5),
        ({"EXPTIME": 12.0, "DIT": 12.0, "NDIT": 5}, 60, 5),
        ({"EXPTIME": 60.0, "DIT": 12.0, "NDIT": 5}, 60, 5),
        ({"EXPTIME": 60.0, "DIT": 12.0, "NDIT": 5, "NCOMBINE": 3}, 180, 3),
        ({"EXPTIME": "5x12"}, 60, 5),
        ({"EXPTIME": 60, "EXPOINUS": 5}, 60, 1),
    ],
)
def test_cards_of_the_exposure_time_and_their_units(
    cards: dict[str, object], exposure_s: float, count: int
) -> None:
    header = fits.Header()
    header["DATE-OBS"] = ("2025-11-21T06:00:00", "start")
    header.update(cards)
    found = exposure_time(header, CameraSettings())
    assert found.exposure_s == pytest.approx(exposure_s)
    assert found.n_exposures == count
    assert ("time_uncertain" in found.flags) is (count > 1)


def test_the_cameras_own_exposure_card_comes_first() -> None:
    header = fits.Header()
    header["DATE-OBS"] = ("2025-11-21T06:00:00", "start")
    header["EXPTIME"], header["EXPOINUS"] = 3.0, 60_000_000
    camera = CameraSettings(exposure_time_keyword="EXPOINUS")
    assert exposure_time(header, camera).exposure_s == pytest.approx(60)


@pytest.mark.parametrize(
    ("stated", "exposure_s", "uncertain"),
    [(60, 60, False), (60000, 60, True), (60000000, 0, True), (600, 600, True)],
)
def test_an_exposure_is_no_longer_than_from_its_start_to_its_end(
    stated: float, exposure_s: float, uncertain: bool
) -> None:
    found = read(
        DATE_OBS=("2025-11-21T06:00:00", "start"),
        DATE_END="2025-11-21T06:01:01",
        EXPTIME=stated,
    )
    assert found.exposure_s == pytest.approx(exposure_s)
    assert ("time_uncertain" in found.flags) is uncertain
    assert bool(found.remarks) is uncertain


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
