"""The middle of the exposure in the dialects that cameras write."""

import pytest
from astropy.io import fits

from bhtom_cpcs.science.frames.exposure_time import exposure_time
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.request import CameraSettings
from bhtom_cpcs.science.stop import Stop

START = 61000.25  # 2025-11-21T06:00:00
HALF = 30 / 86400


def header(**cards: object) -> fits.Header:
    made = fits.Header()
    for name, value in cards.items():
        made[name.replace("_", "-")] = value
    return made


@pytest.mark.parametrize(
    ("cards", "middle", "flagged"),
    [
        ({"DATE_OBS": "2025-11-21T06:00:00"}, START + HALF, True),
        (
            {"DATE_OBS": ("2025-11-21T06:00:00", "start of exposure")},
            START + HALF,
            False,
        ),
        ({"DATE_OBS": ("2025-11-21T06:00:30", "mid exposure")}, START + HALF, False),
        ({"DATE_OBS": "2025-11-21", "TIME_OBS": "06:00:00"}, START + HALF, True),
        ({"DATE_OBS": "2025-11-21", "UT": "06:00:00.0"}, START + HALF, True),
        ({"DATE_OBS": "2025-11-21 06:00:00"}, START + HALF, True),
        ({"DATE_OBS": "2025/11/21", "UT": 6.0}, START + HALF, True),
        ({"DATE_AVG": "2025-11-21T06:00:30", "DATE_OBS": "x"}, START + HALF, False),
        ({"DATE_BEG": "2025-11-21T06:00:00"}, START + HALF, False),
        ({"MJD_OBS": START}, START + HALF, True),
        ({"JD": START + 2400000.5}, START + HALF, True),
        ({"DATE_OBS": "2025-11-21T05:60:00"}, START + HALF, True),
    ],
)
def test_dialects(cards: dict[str, object], middle: float, flagged: bool) -> None:
    found = exposure_time(header(EXPTIME=60, **cards), CameraSettings())
    assert found.mid_mjd_utc == pytest.approx(middle, abs=1e-8)
    assert found.exposure_s == 60
    assert ("date_obs_taken_as_start" in found.flags) is flagged


def test_two_digit_years_are_of_the_old_century() -> None:
    found = exposure_time(
        header(DATE_OBS="26/10/92", UT="14:48:00", EXPTIME=1200), CameraSettings()
    )
    assert found.mid_mjd_utc == pytest.approx(48921.62361, abs=1e-5)


def test_cameras_own_keywords_come_first() -> None:
    camera = CameraSettings(
        date_keyword="MY-DATE", time_keyword="MY-TIME", exposure_time_keyword="ITIME"
    )
    cards = header(
        MY_DATE="2025-11-21",
        MY_TIME="06:00:00",
        ITIME=60,
        DATE_OBS="2001-01-01T00:00:00",
    )
    assert exposure_time(cards, camera).card == "MY-DATE"
    assert exposure_time(cards, camera).mid_mjd_utc == pytest.approx(START + HALF)


def test_tai_is_converted() -> None:
    found = exposure_time(
        header(DATE_OBS="2025-11-21T06:00:37", TIMESYS="TAI", EXPTIME=60),
        CameraSettings(),
    )
    assert found.mid_mjd_utc == pytest.approx(START + HALF, abs=1e-9)
    assert "converted_from_tai" in found.flags


def test_missing_exposure_time_is_flagged() -> None:
    found = exposure_time(header(MJD_OBS=START), CameraSettings())
    assert found.mid_mjd_utc == START
    assert "exposure_time_unknown" in found.flags


@pytest.mark.parametrize(
    "cards",
    [
        {},
        {"DATE_OBS": "2025-11-21"},
        {"DATE_OBS": "yesterday"},
        {"DATE_OBS": "2025-13-45T06:00:00"},
        {"DATE_OBS": "2025-11-21T26:00:00"},
        {"MJD_OBS": 0.0},
        {"DATE_OBS": "1600-01-01T00:00:00"},
    ],
)
def test_no_time(cards: dict[str, object]) -> None:
    with pytest.raises(Stop) as stop:
        exposure_time(header(EXPTIME=60, **cards), CameraSettings())
    assert stop.value.outcome is Outcome.NO_TIME
    for value in cards.values():
        assert str(value) in stop.value.message
