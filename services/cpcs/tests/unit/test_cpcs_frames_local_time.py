"""Headers in local time: brought to UTC where it is certain how, never in silence."""

import math

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.science.frames.exposure_time import ExposureTime, exposure_time
from bhtom_cpcs.science.frames.vantage import Vantage
from bhtom_cpcs.science.request import CameraSettings, Site

START = 61000.25  # 2025-11-21T06:00:00 UTC, 23:00 at Kitt Peak
AT_11_PM, AT_6 = "2025-11-20T23:00:00", "2025-11-21T06:00:00"
KITT_PEAK = Site(31.96, -111.6, 2100.0)
GREENWICH = Site(51.5, 0.0, 50.0)
# never below these sites' horizons, so that only the Sun decides
POLARIS = np.array([math.cos(math.radians(80)), 0.0, math.sin(math.radians(80))])

Cards = dict[str, object]


def read(cards: Cards, site: Site | None = None) -> ExposureTime:
    header = fits.Header()
    for name, value in {**cards, "EXPTIME": 60.0}.items():
        card = name if len(name) <= 8 else f"HIERARCH {name}"
        header[card] = value
    vantage = None if site is None else Vantage(site, lambda _: POLARIS)
    return exposure_time(header, CameraSettings(), vantage)


def hours_from_utc(found: ExposureTime) -> float:
    return (found.mid_mjd_utc - 30 / 86400 - START) * 24


LOCAL = (AT_11_PM, "local time, start of exposure")


@pytest.mark.parametrize(
    "cards",
    [
        {"DATE-OBS": LOCAL, "TIMEZONE": (7, "hours (+west)")},
        {"DATE-OBS": LOCAL, "TIMEZONE": (7, "add to local to get UT")},
        {"DATE-OBS": LOCAL, "TIMEZONE": (7, "UT - local [h]")},
        {"DATE-OBS": LOCAL, "TIMEZONE": (-7, "local - UT [h]")},
        {"DATE-OBS": LOCAL, "TIMEZONE": (-7, "hours east of Greenwich")},
        {"DATE-OBS": LOCAL, "OGE GEO TIMEZONE": (7, "shift w/r to UT (+west)")},
        {"DATE-OBS": LOCAL, "TZ": "UTC-7"},
        {"DATE-OBS": LOCAL, "TZ": "-07:00"},
        {"DATE-OBS": LOCAL, "UTCOFFS": "-0700"},
        {"DATE-OBS": LOCAL, "TIMEZONE": "MST"},
        {"DATE-OBS": (AT_11_PM, "local time (UTC-7), start")},
        {"DATE-OBS": (AT_11_PM, "exposure start, MST")},
        {"DATE-OBS": (AT_11_PM, "start; UT = local + 7")},
        {"DATE-OBS": (AT_11_PM, "start"), "TIMESYS": "UTC-7"},
        {"DATE-OBS": (AT_11_PM, "start"), "TIMESYS": "LOCAL", "TZ": "GMT-07:00"},
        {
            "DATE-OBS": ("2025-11-20", "local date"),
            "TIME-OBS": ("23:00:00", "local time at start"),
            "TIMEZONE": "UTC-7",
        },
    ],
)
def test_an_offset_that_says_which_way_it_counts_is_used(cards: Cards) -> None:
    found = read(cards)
    assert hours_from_utc(found) == pytest.approx(0, abs=1e-6)
    assert found.flags == ("time_converted",)
    (remark,) = found.remarks
    assert "7 h behind UTC" in remark
    # the site agrees; one on the other side of the Earth does not
    assert read(cards, KITT_PEAK).flags == ("time_converted",)
    elsewhere = read(cards, Site(-31.0, 149.0, 1100.0))
    assert hours_from_utc(elsewhere) == pytest.approx(-7, abs=1e-6)
    assert "time_uncertain" in elsewhere.flags


@pytest.mark.parametrize(
    "card", ["TIMEZONE", "TZ", "UTCOFFS", "TIMEOFFS", "UT_OFFS", "GMTOFFS"]
)
@pytest.mark.parametrize("value", [7, -7, "7.0", -420, -25200])
def test_of_a_plain_number_the_longitude_decides_the_sign(
    card: str, value: object
) -> None:
    cards = {"DATE-OBS": LOCAL, card: value}
    found = read(cards, KITT_PEAK)
    assert hours_from_utc(found) == pytest.approx(0, abs=1e-6)
    assert found.flags == ("time_converted",)
    alone = read(cards)
    assert hours_from_utc(alone) == pytest.approx(-7, abs=1e-6)
    assert alone.flags == ("time_uncertain",)
    assert "not which way it counts" in alone.remarks[0]


@pytest.mark.parametrize(
    ("clock", "hours"),
    [
        ("17:30:00", -1.0),  # an hour earlier the Sun is not down yet
        ("07:00:00", 1.0),  # an hour later it is up
        ("23:00:00", None),
        ("12:00:00", None),
    ],
)
def test_near_greenwich_the_sun_decides_where_it_can(
    clock: str, hours: float | None
) -> None:
    cards: Cards = {"DATE-OBS": (f"2025-11-21T{clock}", "local start"), "TIMEZONE": 1}
    found, plain = read(cards, GREENWICH), read(cards)
    moved_h = (plain.mid_mjd_utc - found.mid_mjd_utc) * 24
    assert moved_h == pytest.approx(hours or 0.0, abs=1e-6)
    assert ("time_uncertain" in found.flags) is (hours is None)
    assert ("time_converted" in found.flags) is (hours is not None)


@pytest.mark.parametrize(
    "cards",
    [
        {"DATE-OBS": (AT_6, "start"), "TIMESYS": "UTC"},
        {"DATE-OBS": (AT_6, "UT at start of exposure")},
        {"DATE-OBS": (AT_6, "start (UTC), not local time")},
        {"DATE-OBS": (f"{AT_6}Z", "start")},
        {"DATE-OBS": (AT_6, "start of exposure")},  # FITS dates are in UTC
        {"DATE-OBS": (AT_6, "start, UTC"), "DATE-LOC": (AT_11_PM, "local")},
        # N.I.N.A. on a computer that runs on UTC
        {"DATE-OBS": (AT_6, "start, UTC"), "DATE-LOC": (AT_6, "local")},
        {"DATE-OBS": (AT_6, "start"), "LOCTIME": ("23:00:00", "local time")},
        {"DATE-OBS": (AT_6, "start"), "LOCALTIM": "11/20/2025 11:00:00.000 PM STD"},
    ],
)
@pytest.mark.parametrize("site", [None, KITT_PEAK])
def test_beside_utc_the_offset_is_ignored(cards: Cards, site: Site | None) -> None:
    found = read({**cards, "TIMEZONE": 7}, site)
    assert hours_from_utc(found) == pytest.approx(0, abs=1e-6)
    assert found.flags == ()
    assert found.remarks == ()


def test_a_date_that_only_repeats_the_local_one_is_local() -> None:
    cards: Cards = {"DATE-OBS": (AT_11_PM, "start"), "DATE-LOC": AT_11_PM}
    # nothing says that the computer did not run on UTC
    assert read(cards).flags == ()
    found = read({**cards, "TIMEZONE": 7})
    assert found.flags == ("time_uncertain",)
    found = read({**cards, "TIMEZONE": 7}, KITT_PEAK)
    assert hours_from_utc(found) == pytest.approx(0, abs=1e-6)
    jd = read({"DATE-OBS": LOCAL, "JD": 2461000.458333, "TIMEZONE": 7}, KITT_PEAK)
    assert hours_from_utc(jd) == pytest.approx(0, abs=1e-6)
    assert jd.flags == ("time_converted",)


@pytest.mark.parametrize(
    "cards",
    [
        {"JD": (2461000.7500001, "at start, UT")},
        {"JD": (2461000.7500001, "at start")},
        {"UT": ("06:00:00", "start")},
        {"DATE-OBS": (AT_6, "start")},
    ],
)
def test_another_card_in_utc_counts_before_a_local_one(cards: Cards) -> None:
    found = read({"DATE-LOC": (AT_11_PM, "local time"), **cards})
    assert hours_from_utc(found) == pytest.approx(0, abs=1e-4)
    assert "time_cards_disagree" not in found.flags


def test_local_time_alone_is_uncertain_and_said() -> None:
    found = read({"DATE-LOC": (AT_11_PM, "start, local")}, KITT_PEAK)
    assert hours_from_utc(found) == pytest.approx(-7, abs=1e-6)
    assert found.flags == ("time_uncertain",)
    assert "no card tells its offset" in found.remarks[0]


def test_a_date_that_only_the_offset_brings_into_the_night_is_doubted() -> None:
    cards: Cards = {"DATE-OBS": (AT_11_PM, "start"), "TIMEZONE": 7}
    found = read(cards, KITT_PEAK)  # 16:00 there, if it is UTC
    assert hours_from_utc(found) == pytest.approx(-7, abs=1e-6)
    assert found.flags == ("time_uncertain",)
    assert "as local time, with TIMEZONE = 7, it was night" in found.remarks[0]
    assert read(cards).flags == ()
    assert read({**cards, "TIMESYS": "UTC"}, KITT_PEAK).flags == ()
    assert read({**cards, "DATE-OBS": (AT_6, "start")}, KITT_PEAK).flags == ()
