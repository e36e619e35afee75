"""Time cards that disagree: every one is named, and which of them counts."""

import math

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.science.frames.exposure_time import ExposureTime, exposure_time
from bhtom_cpcs.science.frames.vantage import Vantage
from bhtom_cpcs.science.request import CameraSettings, Site

START = 61000.25  # 2025-11-21T06:00:00
HOUR, SECOND = 1 / 24, 1 / 86400
JD = 2400000.5 + START
POLARIS = np.array([math.cos(math.radians(80)), 0.0, math.sin(math.radians(80))])

Cards = dict[str, object]


def read(cards: Cards, longitude: float | None = None) -> ExposureTime:
    header = fits.Header()
    header["DATE-OBS"] = ("2025-11-21T06:00:00.0", "start of exposure")
    header["EXPTIME"] = 60.0
    header.update(cards)
    vantage = None
    if longitude is not None:
        vantage = Vantage(Site(32.0, longitude, 2100.0), lambda _: POLARIS)
    return exposure_time(header, CameraSettings(), vantage)


@pytest.mark.parametrize(
    "cards",
    [
        {"JD": JD + HOUR},
        {"JD": JD - HOUR},
        {"MJD-OBS": START + 1},
        {"JD": round(JD + 65 * SECOND, 7)},
        {"MJD-OBS": round(START - 65 * SECOND, 7)},
        {"UT": "07:00:00"},
        {"UTSTART": "05:58:50"},
        {"TIME-OBS": "06:01:10"},
        {"UT": "07:00"},
        {"DATE-AVG": "2025-11-20T06:00:30"},
        {"DATE-END": "2025-11-21T07:01:00"},
        {"HJD": 2461000.75 + HOUR + 1e-7},
        {"LOCTIME": ("23:04:00", "local time")},
        {"DATE-LOC": ("2025-11-19T23:00:00", "local time")},
        # 0.1 day of rounding, and a day away
        {"JD": 2461001.8},
    ],
)
def test_cards_that_disagree(cards: Cards) -> None:
    found = read(cards)
    assert "time_cards_disagree" in found.flags
    (remark,) = found.remarks
    assert all(name in remark for name in cards)
    assert "disagree" in remark
    assert "counts" in remark


@pytest.mark.parametrize(
    "cards",
    [
        {"JD": round(JD, 7)},
        {"JD": round(JD + 61 * SECOND, 7)},
        {"MJD-OBS": round(START + 30 * SECOND, 7)},
        # rounded or cut to 0.1 day, to a minute, or kept in 32 bits
        {"JD": 2461000.7},
        {"JD": 2461000.8},
        {"UT": "06:01"},
        {"UT": 6.0},
        {"MJD-OBS": float(np.float32(START + 0.0013))},
        {"UT": "06:00:59"},
        {"DATE-END": "2025-11-21T06:01:25"},
        {"LOCTIME": ("23:00:00", "local time")},
        {"DATE-LOC": ("2025-11-20T23:00:01", "local time")},
        {"DATE-LOC": ("2025-11-21T11:45:00", "local time")},
        {"HJD": 2461000.7547},
        {"UTC": "UTC"},
        # a stack, whose interval is told
        {"NCOMBINE": 5, "DATE-END": "2025-11-21T07:00:00", "MJD-AVG": START + 0.02},
        # its breaks are not
        {"NCOMBINE": 5, "MJD-MID": START + 200 * SECOND},
    ],
)
def test_cards_that_agree(cards: Cards) -> None:
    found = read(cards)
    assert "time_cards_disagree" not in found.flags
    assert found.remarks == ()


def test_tai_and_utc_clocks_are_no_disagreement() -> None:
    cards: Cards = {"TIMESYS": "TAI", "UT": "05:59:23", "EXPTIME": 5.0}
    assert "time_cards_disagree" not in read(cards).flags


def test_a_whole_hour_suggests_local_time() -> None:
    (remark,) = read({"JD": round(JD + HOUR, 7)}).remarks
    assert "local time" in remark
    assert "DATE-OBS counts" in remark
    (remark,) = read({"JD": round(JD + 1.1 * HOUR, 7)}).remarks
    assert "local time" not in remark


@pytest.mark.parametrize(
    ("longitude", "date", "clock", "card", "utc"),
    [
        # 23:00 and 16:00 at Kitt Peak
        (-111.6, "2025-11-21T06:00:00", "23:00:00", "DATE-OBS", START),
        # 09:00 and 02:00 on the Canaries
        (-17.9, "2025-11-21T09:00:00", "02:00:00", "UT", START - 4 * HOUR),
        # by day both ways, by night both ways: nothing moves
        (120.0, "2025-11-21T06:00:00", "23:00:00", "DATE-OBS", START),
        (-111.6, "2025-11-21T06:00:00", "07:00:00", "DATE-OBS", START),
    ],
)
def test_the_card_by_which_it_was_night_counts(
    longitude: float, date: str, clock: str, card: str, utc: float
) -> None:
    found = read({"DATE-OBS": (date, "start"), "UT": clock}, longitude)
    assert found.mid_mjd_utc == pytest.approx(utc + 30 * SECOND, abs=1e-7)
    assert "time_cards_disagree" in found.flags
    assert f"{card} counts" in found.remarks[0]


def test_a_clock_that_is_said_to_be_utc_is_not_moved() -> None:
    cards: Cards = {"DATE-OBS": ("2025-11-21T09:00:00", "start, UTC"), "UT": "02:00:00"}
    found = read(cards, -17.9)
    assert found.mid_mjd_utc == pytest.approx(START + 0.125 + 30 * SECOND, abs=1e-7)
    assert "DATE-OBS counts: its clock is said to be UTC" in found.remarks[0]
