"""In which scale, and where, a moment is counted: names, comments, TIMESYS, texts."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time

from bhtom_cpcs.science.frames.exposure_time import ExposureTime, exposure_time
from bhtom_cpcs.science.frames.planes import make_plane
from bhtom_cpcs.science.frames.scale_words import (
    place_in,
    place_in_name,
    scale_in,
    scale_in_name,
)
from bhtom_cpcs.science.frames.sun_and_air import bjd_tdb, mjd_at_telescope
from bhtom_cpcs.science.request import (
    CameraSettings,
    ReductionRequest,
    TargetPosition,
)
from bhtom_cpcs.science.stages.frame_stages import read_time
from bhtom_cpcs.science.stages.plane_state import PlaneState

START = 61000.25  # 2025-11-21T06:00:00
DATE = "2025-11-21T06:00:00"
TAI_S, TT_S = 37.0, 69.184


def read(cards: dict[str, object]) -> ExposureTime:
    header = fits.Header()
    header["EXPTIME"] = 60.0
    header.update(cards)
    return exposure_time(header, CameraSettings())


def ahead_s(found: ExposureTime) -> float:
    return (found.mid_mjd_utc - START) * 86400


@pytest.mark.parametrize(
    ("comment", "scale", "sure"),
    [
        ("JD start TT", "tt", True),
        ("[TDB] BJD mid exposure, from the UTC clock", "tdb", True),
        ("BJD_TDB of mid-exposure (start UTC in DATE-OBS)", "tdb", True),
        ("[utc] start", "utc", True),
        ("UTC (not TT) start", "utc", True),
        ("start of exposure (TAI)", "tai", True),
        ("Terrestrial Time of mid exposure", "tt", True),
        ("MJD, barycentric dynamical time", "tdb", True),
        ("UTC from GPS", "utc", True),
        ("MJD_GPS start", "gps", True),
        ("UT date of observation, Greenwich Mean Time", "utc", True),
        ("TT = UTC + 69.184 s", "tt", False),
        ("(UTC) or (TT)", "utc", False),
        ("time stamp of the GPS", None, False),
        ("MJD TAI-37s, start", "tai", False),
        ("UTC + 69.184 s", "utc", False),
        ("(TDB) - 2400000.5", "tdb", True),
        ("date et heure", None, True),
        ("mid exposure", None, True),
        ("not UTC", None, True),
    ],
)
def test_scales_in_comments(comment: str, scale: str | None, sure: bool) -> None:
    found = scale_in(comment)
    assert (found.scale, found.sure) == (scale, sure)


@pytest.mark.parametrize(
    ("comment", "place"),
    [
        ("Heliocentric JD mid exposure", "hjd"),
        ("heliocentric", "hjd"),
        ("HJD_UTC", "hjd"),
        ("helio-corrected", "hjd"),
        ("[TDB] BJD mid exposure", "bjd"),
        ("barycentric correction applied", "bjd"),
        ("start; add EXPTIME/2 for mid: barycentric JD", "bjd"),
        ("barycentric correction not applied", None),
        ("no heliocentric correction", None),
        ("not heliocentric", None),
        ("for HJD see its card", None),
        ("add 300 s to get BJD", None),
        ("in barycentric dynamical time", None),
        ("heliocentric correction: none", None),
        ("JD UTC mid; HJD in HJD card", None),
        ("geocentric", None),
    ],
)
def test_places_in_comments(comment: str, place: str | None) -> None:
    assert place_in(comment) == (place, True)


@pytest.mark.parametrize(
    ("card", "scale", "place"),
    [
        ("BJD_TDB", "tdb", "bjd"),
        ("HJD_UTC", "utc", "hjd"),
        ("JD-HELIO", None, "hjd"),
        ("UTC-OBS", "utc", None),
        ("UTSTART", "utc", None),
        ("MJD-TAI", "tai", None),
        ("DATE-GPS", None, None),
        ("DATE-OBS", None, None),
        ("TTIMEOBS", None, None),
    ],
)
def test_names(card: str, scale: str | None, place: str | None) -> None:
    assert scale_in_name(card) == scale
    assert place_in_name(card) == place


@pytest.mark.parametrize(
    ("cards", "ahead", "doubtful"),
    [
        ({"JD": (2461000.7500001, "JD start TT")}, 30 - TT_S, False),
        ({"MJD-OBS": (START + 1e-6, "[TAI] mid exposure")}, -TAI_S, False),
        ({"DATE-OBS": (DATE, "start, TAI")}, 30 - TAI_S, False),
        ({"DATE-OBS": (f"{DATE} TAI", "start")}, 30 - TAI_S, False),
        ({"DATE-OBS": "2025-11-21", "TIME-OBS": ("06:00:00", "TAI")}, -7, False),
        ({"DATE-OBS": (DATE, "start, UTC"), "TIMESYS": "UTC"}, 30, False),
        ({"DATE-OBS": DATE, "TIMESYS": "TAI"}, 30 - TAI_S, False),
        ({"MJD-OBS": (START + 1e-6, "TT"), "TIMESYS": "TDB"}, 30 - TT_S, False),
        # two that differ
        ({"DATE-OBS": f"{DATE}Z", "TIMESYS": "TAI"}, 30 - TAI_S, True),
        ({"DATE-OBS": f"{DATE}Z", "TIMESYS": "GPS"}, 30 - 18, True),
        ({"DATE-OBS": f"{DATE}+00:00", "TIMESYS": "TT"}, 30 - TT_S, True),
        ({"MJD-OBS": (START + 1e-6, "start TT"), "TIMESYS": "UTC"}, -39.184, True),
        ({"DATE-OBS": "2025-11-21", "UT": "06:00:00", "TIMESYS": "TAI"}, 30, True),
        ({"JD_UTC": (2461000.7500001, "TT, mid")}, 0, True),
        ({"DATE-OBS": (DATE, "start, GPS time stamp")}, 30, True),
        # what cannot be told from its size
        ({"JD": (61000.750001, "start")}, 43230, True),
        ({"JD": (61000.750001, "start, RJD")}, 30, False),
        ({"JD": (1000.750001, "start, JD - 2460000")}, 30, False),
        ({"MJD": (61000.750001, "start, JD - 2400000")}, 30, True),
    ],
)
def test_scales_and_their_contradictions(
    cards: dict[str, object], ahead: float, doubtful: bool
) -> None:
    found = read(cards)
    assert ahead_s(found) == pytest.approx(ahead, abs=0.1)
    assert ("time_uncertain" in found.flags) is doubtful
    assert bool(found.remarks) is doubtful
    assert all(next(iter(cards)) in remark for remark in found.remarks)


@pytest.mark.parametrize(
    "cards",
    [
        {"DATE-BEG": (DATE, "end of exposure")},
        {"DATE-AVG": (DATE, "start of exposure")},
        {"DATE-OBS": "2025-11-21", "UTSTART": ("06:00:00", "mid exposure")},
        {"DATE-AVG": "2025-11-21", "UT": ("06:00:00", "start")},
        {"BJD_TDB": (2461000.750001, "heliocentric, mid")},
    ],
)
def test_a_name_and_a_comment_that_say_two_things(cards: dict[str, object]) -> None:
    found = read(cards)
    assert "time_uncertain" in found.flags
    assert any("says" in remark or "marks" in remark for remark in found.remarks)


def test_a_card_without_doubt_comes_before_one_with() -> None:
    found = read(
        {
            "DATE-AVG": (DATE, "start of exposure"),
            "MJD-OBS": (START + 1e-6, "start of exposure, UTC"),
        }
    )
    assert found.card == "MJD-OBS"
    assert ahead_s(found) == pytest.approx(30, abs=0.1)
    assert "time_uncertain" not in found.flags


@pytest.mark.parametrize(
    ("cards", "certain"),
    [
        ({"JD": "[TDB] BJD mid exposure"}, True),
        ({"BJD_TDB": "mid exposure"}, True),
        ({"BJD": "mid exposure, TDB"}, True),
        # 69 s between the scales, half an exposure between start and middle
        ({"BJD": "mid exposure"}, False),
        ({"BJD_TDB": ""}, False),
    ],
)
def test_barycentric_moments_are_brought_back(
    cards: dict[str, str], certain: bool
) -> None:
    towards = np.array([0.6, 0.0, 0.8])
    counted = bjd_tdb(START, towards, None)
    found = read({card: (counted, comment) for card, comment in cards.items()})
    assert found.light_time == "bjd"
    assert found.scale == "BJD_TDB"
    assert ("time_uncertain" in found.flags) is not certain
    if certain:
        mjd = mjd_at_telescope(found.mid_mjd_utc, "bjd", towards, None)
        assert mjd == pytest.approx(START, abs=2e-8)


def test_light_time_that_cannot_be_taken_off_is_said() -> None:
    header = fits.Header()
    header["BJD_TDB"] = (2461000.754321, "mid exposure")
    header["EXPTIME"] = 60.0
    plane = make_plane("frame", header, np.zeros((20, 20)), ())
    nowhere = PlaneState(plane, ReductionRequest(targets=()), None)  # type: ignore[arg-type]
    read_time(nowhere)
    assert nowhere.timing is not None
    assert "time_uncertain" in nowhere.timing.flags
    assert any("light time" in warning for warning in nowhere.warnings)
    request = ReductionRequest(targets=(TargetPosition(1, 150.0, 20.0),))
    known = PlaneState(plane, request, None)  # type: ignore[arg-type]
    read_time(known)
    assert known.timing is not None
    assert "time_uncertain" not in known.timing.flags
    assert known.timing.bjd_tdb == pytest.approx(2461000.754321, abs=2e-8)
    assert known.timing.mid_exposure_mjd_utc != nowhere.timing.mid_exposure_mjd_utc


def test_words_of_light_time_alone_are_a_doubt() -> None:
    assert place_in("JD, light-time corrected") == (None, False)
    found = read({"JD": (2461000.750001, "mid, light time corrected, UTC")})
    assert "time_uncertain" in found.flags


def test_a_moment_at_the_telescope_counts_before_one_at_the_sun() -> None:
    found = read(
        {"JD": (2461000.7547, "heliocentric, UTC"), "MJD-OBS": (START + 1e-6, "start")}
    )
    assert (found.card, found.light_time) == ("MJD-OBS", None)
    assert "time_cards_disagree" not in found.flags


def test_the_reference_position_of_the_header() -> None:
    cards = {"DATE-OBS": (DATE, "start"), "TIMESYS": "TDB", "TREFPOS": "BARYCENTER"}
    assert read(cards).light_time == "bjd"
    assert read({**cards, "TREFPOS": "TOPOCENTER"}).light_time is None


@pytest.mark.parametrize(
    "cards",
    [
        {"DATE-OBS": "2016-12-31T23:59:60.5"},
        {"DATE-OBS": "2016-12-31T23:59:60.5Z"},
        {"DATE-OBS": "2017-01-01T00:59:60.5+01:00"},
        {"DATE-OBS": "2016-12-31", "UT": "23:59:60.5"},
        {"DATE-OBS": "2016-12-31", "TIME-OBS": "23h59m60.5s"},
        {"DATE-OBS": "2017-01-01T00:00:36.5", "TIMESYS": "TAI"},
        {"MJD-OBS": Time("2016-12-31T23:59:60.5", scale="utc").mjd},
    ],
)
def test_leap_seconds(cards: dict[str, object]) -> None:
    found = read({**cards, "EXPTIME": 2.0})
    middle = Time("2017-01-01T00:00:37.5", scale="tai")
    off = Time(found.mid_mjd_utc, format="mjd", scale="utc") - middle
    assert abs(off.to_value("s")) < 1e-4


def test_only_days_with_a_leap_second_have_one() -> None:
    at_noon = read({"DATE-OBS": "2016-12-31T12:00:00", "EXPTIME": 2e-6})
    apart = Time(at_noon.mid_mjd_utc, format="mjd", scale="utc") - Time(
        "2016-12-31T12:00:00", scale="utc"
    )
    assert abs(apart.to_value("s")) < 1e-4
    carried = read({"DATE-OBS": "2025-11-20T23:59:60", "EXPTIME": 2e-6})
    assert carried.mid_mjd_utc == pytest.approx(61000.0, abs=1e-9)
