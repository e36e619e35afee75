"""Clocks as cameras write them."""

import pytest
from astropy.io import fits

from bhtom_cpcs.science.frames.clock_texts import read_clock
from bhtom_cpcs.science.frames.exposure_time import exposure_time
from bhtom_cpcs.science.request import CameraSettings

NINE_PM = 21 * 3600 + 3 * 60 + 4


@pytest.mark.parametrize(
    ("text", "seconds", "in_utc", "rounding_s"),
    [
        ("21:03:04", NINE_PM, False, 1.0),
        ("21:03:04,5", NINE_PM + 0.5, False, 0.1),
        ("21:03:04.500", NINE_PM + 0.5, False, 0.001),
        ("21-03-04", NINE_PM, False, 1.0),
        ("21-03-04.5", NINE_PM + 0.5, False, 0.1),
        ("21h03m04s", NINE_PM, False, 1.0),
        ("21h 03m 04.5s", NINE_PM + 0.5, False, 0.1),
        ("21 03 04", NINE_PM, False, 1.0),
        ("21_03_04", NINE_PM, False, 1.0),
        ("21:03", NINE_PM - 4, False, 60.0),
        ("21h03m", NINE_PM - 4, False, 60.0),
        ("09:03:04 PM STD", NINE_PM, False, 1.0),
        ("12:03:04 AM", 184, False, 1.0),
        ("21:03:04Z", NINE_PM, True, 1.0),
        ("21:03:04 UTC", NINE_PM, True, 1.0),
        ("21:03:04+01:00", NINE_PM - 3600, True, 1.0),
        ("21:03:04,5+0530", NINE_PM + 0.5 - 19800, True, 0.1),
        ("21:03:04-07", NINE_PM + 25200, True, 1.0),
        ("21:03:04 UTC+2", NINE_PM - 7200, True, 1.0),
        ("6.5", 23400, False, 360.0),
        ("6,5", 23400, False, 360.0),
        ("75784.0", NINE_PM, False, 0.1),
    ],
)
def test_clocks(text: str, seconds: float, in_utc: bool, rounding_s: float) -> None:
    clock = read_clock(text)
    assert clock is not None
    assert clock.seconds == pytest.approx(seconds)
    assert clock.in_utc is in_utc
    assert clock.rounding_s == pytest.approx(rounding_s)


@pytest.mark.parametrize(
    "text", ["", "noon", "13:00:00 PM", "26:00:00", "1,2,3", "-5", "21:03:04+99:00"]
)
def test_what_is_no_clock(text: str) -> None:
    assert read_clock(text) is None


@pytest.mark.parametrize(
    "cards",
    [
        {"DATE-OBS": "2025-11-21T06:00:00,5"},
        {"DATE-OBS": "2025-11-21", "TIME-OBS": "06:00:00,5"},
        {"DATE-OBS": "2025-11-21", "TIME-OBS": "06:00:00,5Z"},
        {"DATE-OBS": "2025-11-21", "TIME-OBS": "07:00:00,5+01:00"},
        {"DATE-OBS": "2025-11-20", "TIME-OBS": "23:00:00.5-07:00"},
        {"DATE-OBS": "2025-11-21T06-00-00.5"},
        {"DATE-OBS": "2025-11-21_06-00-00.5"},
        {"DATE-OBS": "2025-11-21T06h00m00.5s"},
        {"DATE-OBS": "20251121T060000,5Z"},
        {"DATE-OBS": "2025-11-21T07:00:00.5 +0100"},
        {"DATE-OBS": "2025-11-21T06:00:00.5", "UT": "07:00:00.5+01:00"},
        {"DATE-OBS": "11/21/2025 06:00:00.500 AM"},
    ],
)
def test_dates_with_such_clocks(cards: dict[str, str]) -> None:
    header = fits.Header()
    header.update({**cards, "EXPTIME": "60,5"})
    found = exposure_time(header, CameraSettings())
    assert found.exposure_s == 60.5
    assert (found.mid_mjd_utc - 61000.25) * 86400 == pytest.approx(30.75, abs=1e-4)
    assert found.flags == ("date_obs_taken_as_start",)
