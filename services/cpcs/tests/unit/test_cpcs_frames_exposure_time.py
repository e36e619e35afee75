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
        ({"DATE_OBS": ("2025-11-21T06:00:00", "from midnight")}, START + HALF, True),
        ({"DATE_OBS": "2025-11-21", "TIME_OBS": "06:00:00"}, START + HALF, True),
        ({"DATE_OBS": "2025-11-21", "UT": "06:00:00.0"}, START + HALF, True),
        ({"DATE_OBS": "2025-11-21 06:00:00"}, START + HALF, True),
        ({"DATE_OBS": "2025/11/21", "UT": 6.0}, START + HALF, True),
        ({"DATE_AVG": "2025-11-21T06:00:30", "DATE_OBS": "x"}, START + HALF, False),
        ({"DATE_BEG": "2025-11-21T06:00:00"}, START + HALF, False),
        ({"MJD_OBS": START}, START + HALF, True),
        ({"JD": START + 2400000.5}, START + HALF, True),
        ({"DATE_OBS": "2025-11-21T05:60:00"}, START + HALF, True),
        ({"DATE_OBS": "2025-11-21.25"}, START + HALF, True),
        ({"DATE_OBS": "2025-11-21T06:00:00Z"}, START + HALF, True),
        ({"DATE_OBS": "20251121T060000"}, START + HALF, True),
        ({"DATE_OBS": "21-Nov-2025", "UT": "6 00 00"}, START + HALF, True),
        ({"DATE_OBS": "2025.325", "UT": "06:00"}, START + HALF, True),
        ({"DATE_OBS": "11/21/2025", "UT": "06:00:00"}, START + HALF, True),
        (
            {
                "DATE_OBS": ("2025-11-21", "Date at start"),
                "UTC_OBS": ("6:00:00.0", "Time at start of observation (UTC)"),
            },
            START + HALF,
            False,
        ),
        (
            {"DATE_OBS": "2025-11-21T06:00:00", "DATE_END": "2025-11-21T06:01:00"},
            START + HALF,
            False,
        ),
        (
            {"DATE_OBS": ("2025-11-21T06:01:00", "shutter closed")},
            START + HALF,
            False,
        ),
        (
            {"DATE_OBS": "2025-11-21T06:00:30", "DATE_END": "2025-11-21T06:01:00"},
            START + HALF,
            False,
        ),
        (
            {"MJD_OBS": (START + HALF, "MJD at mid-exposure")},
            START + HALF,
            False,
        ),
        ({"EXPSTART": 61000.250001, "EXPEND": 61000.2507}, START + HALF, False),
        ({"EXPSTART": 2461000.750001}, START + HALF, False),
        ({"MJD_AVG": START + HALF}, START + HALF, False),
    ],
)
def test_dialects(cards: dict[str, object], middle: float, flagged: bool) -> None:
    found = exposure_time(header(EXPTIME=60, **cards), CameraSettings())
    assert found.mid_mjd_utc == pytest.approx(middle, abs=3e-6)
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
    assert "time_converted" in found.flags


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


@pytest.mark.parametrize(
    ("scale", "ahead_s"),
    [("TAI", 37.0), ("TT", 69.184), ("TDT", 69.184), ("GPS", 18.0), ("UTC", 0.0)],
)
def test_time_scales(scale: str, ahead_s: float) -> None:
    found = exposure_time(
        header(MJD_AVG=START + ahead_s / 86400, TIMESYS=scale, EXPTIME=60),
        CameraSettings(),
    )
    assert found.mid_mjd_utc == pytest.approx(START, abs=1e-8)  # 1 ms
    assert ("time_converted" in found.flags) is (scale != "UTC")


def test_tdb_is_within_two_milliseconds_of_tt() -> None:
    mjd = START + 69.184 / 86400
    found = exposure_time(header(MJD_AVG=mjd, TIMESYS="TDB"), CameraSettings())
    assert abs(found.mid_mjd_utc - START) * 86400 < 0.002


def test_unknown_scale_counts_as_utc_and_is_flagged() -> None:
    found = exposure_time(header(MJD_AVG=START, TIMESYS="LOCAL"), CameraSettings())
    assert found.mid_mjd_utc == START
    assert "time_scale_unknown" in found.flags


@pytest.mark.parametrize(
    ("value", "comment", "seconds"),
    [
        (50.0, "Exposure minutes", 3000.0),
        (250, "[ms] exposure", 0.25),
        ("300 s", "", 300.0),
        (30, "seconds", 30.0),
        (0.5, "shutter open hours", 1800.0),
    ],
)
def test_units_of_the_exposure_time(
    value: object, comment: str, seconds: float
) -> None:
    found = exposure_time(
        header(MJD_AVG=START, EXPOSURE=(value, comment)), CameraSettings()
    )
    assert found.exposure_s == pytest.approx(seconds)


BEGIN, LATER = "2025-11-21T06:00:00", "2025-11-21T06:12:00"


@pytest.mark.parametrize(
    ("cards", "total", "middle_s", "uncertain"),
    [
        # first start and last end: one sub-exposure is stated, breaks between
        ({"STACKCNT": 60, "EXPTIME": 10, "DATE_END": LATER}, 600, 360, False),
        # the same, and the whole is stated
        ({"NCOMBINE": 60, "EXPTIME": 600, "DATE_END": LATER}, 600, 360, False),
        ({"STACKCNT": 60, "EXPTIME": 10, "TOTALEXP": 600}, 600, 300, True),
        ({"NIMAGES": 60, "EXPTIME": 10, "DATE_AVG": LATER}, 600, 720, False),
        ({"SNAPSHOT": 60, "EXPTIME": 10}, 600, 300, True),
        ({"NCOMBINE": 1, "EXPTIME": 10}, 10, 5, False),
        ({"OBJECT": "sum of 3 frames", "EXPTIME": 1200}, 1200, 600, True),
    ],
)
def test_stacks(
    cards: dict[str, object], total: float, middle_s: float, uncertain: bool
) -> None:
    found = exposure_time(
        header(DATE_OBS=(BEGIN, "start of exposure"), **cards), CameraSettings()
    )
    assert found.exposure_s == pytest.approx(total)
    assert (found.mid_mjd_utc - START) * 86400 == pytest.approx(middle_s, abs=0.01)
    assert ("time_uncertain" in found.flags) is uncertain


def listed(stem: str, *starts: str) -> dict[str, str]:
    width = {"IMCMB": 3, "SLDATE": 2, "PROV": 1}[stem]
    return {f"{stem}{n:0{width}d}": text for n, text in enumerate(starts, 1)}


RAW = [f"EMMI.2025-11-21T06:{m}.000.fits" for m in ("00:00", "01:40", "06:40")]


@pytest.mark.parametrize(
    ("cards", "total", "middle_s", "uncertain"),
    [
        # 0, 100 and 400 s, of which the mean is 166.67 s
        ({**listed("PROV", *RAW), "TEXPTIME": 180, "EXPTIME": 60}, 180, 196.67, False),
        # longer than from one start to the next: the sum of all
        ({**listed("IMCMB", *RAW), "EXPTIME": 240}, 240, 206.67, False),
        # one exposure's or all of them: the start is known, the length is not
        ({**listed("IMCMB", *RAW), "EXPTIME": 60}, 180, 196.67, True),
        (
            {
                **listed("SLDATE", BEGIN, "2025-11-21T06:01:40", LATER),
                **{"TEXPTIME": 180, "EXPTIME": 60},
            },
            180,
            303.33,
            False,
        ),
        (
            {
                **listed("IMCMB", *(text.replace(":", "_") for text in RAW)),
                "EXPTIME": 240,
            },
            240,
            206.67,
            False,
        ),
        # as before: one too few, one too many, no moment in a name, another night
        ({**listed("PROV", *RAW[:2]), "EXPTIME": 60}, 180, 90, True),
        ({**listed("PROV", *RAW, RAW[0]), "EXPTIME": 60}, 180, 90, True),
        ({**listed("PROV", *RAW[:2], "flat.fits"), "EXPTIME": 60}, 180, 90, True),
        (
            {
                **listed("PROV", *(text.replace("11-21", "11-22") for text in RAW)),
                "EXPTIME": 60,
            },
            180,
            90,
            True,
        ),
        # the middle that a card tells stands
        ({**listed("PROV", *RAW), "EXPTIME": 60, "DATE_AVG": LATER}, 180, 720, False),
    ],
)
def test_stacks_that_list_their_exposures(
    cards: dict[str, object], total: float, middle_s: float, uncertain: bool
) -> None:
    found = exposure_time(
        header(DATE_OBS=(BEGIN, "start of exposure"), NCOMBINE=3, **cards),
        CameraSettings(),
    )
    assert found.n_exposures == 3
    assert found.exposure_s == pytest.approx(total)
    assert (found.mid_mjd_utc - START) * 86400 == pytest.approx(middle_s, abs=0.01)
    assert ("time_uncertain" in found.flags) is uncertain


def test_cards_that_disagree_are_flagged() -> None:
    cards = {"DATE_OBS": (BEGIN, "start"), "EXPTIME": 60}
    agreeing = exposure_time(header(MJD_OBS=61000.2500001, **cards), CameraSettings())
    assert "time_cards_disagree" not in agreeing.flags
    a_day_off = exposure_time(header(MJD_OBS=61001.2500001, **cards), CameraSettings())
    assert "time_cards_disagree" in a_day_off.flags
    assert a_day_off.mid_mjd_utc == agreeing.mid_mjd_utc


def test_a_coarse_julian_date_is_the_last_resort() -> None:
    cards = header(JD=2461000.7, DATE_OBS=(BEGIN, "start"), EXPTIME=60)
    assert exposure_time(cards, CameraSettings()).flags == ()
    alone = exposure_time(header(JD=2461000.7, EXPTIME=60), CameraSettings())
    assert "time_uncertain" in alone.flags


def test_day_and_month_that_could_be_exchanged_are_flagged() -> None:
    found = exposure_time(
        header(DATE_OBS="05/11/2025", UT="06:00:00", EXPTIME=60), CameraSettings()
    )
    assert found.mid_mjd_utc == pytest.approx(60984.25 + HALF)
    assert "time_uncertain" in found.flags


def test_heliocentric_dates_say_so() -> None:
    found = exposure_time(header(HJD=2461000.7512345, EXPTIME=60), CameraSettings())
    assert found.light_time == "hjd"
    assert "time_converted" in found.flags


@pytest.mark.parametrize(
    ("cards", "middle", "flags"),
    [
        # the clock of UTC counts, on the day that is nearest
        (
            {"DATE_OBS": ("2025-11-21T07:00:00", "[local] start"), "UTC": "06:00:00"},
            START + HALF,
            (),
        ),
        (
            {"DATE_OBS": ("2025-11-20T20:00:00", "local time"), "UTC": "06:00:00"},
            START + HALF,
            (),
        ),
        (
            {"DATE_OBS": ("2025-11-21T06:00:00", "local time")},
            START + HALF,
            ("time_uncertain",),
        ),
        (
            {"DATE_OBS": "2025-11-21T06:00:00", "UT": "05:00:00"},
            START + HALF,
            ("time_cards_disagree",),
        ),
        ({"DATE_OBS": "2025-11-21T07:00:00+01:00"}, START + HALF, ()),
        ({"DATE_OBS": "2025-11-20T23:30:00-0630"}, START + HALF, ()),
        ({"DATE_OBS": "21/11/25", "UT": "06:00:00"}, START + HALF, ("time_uncertain",)),
        ({"DATE_OBS": "30/11/53", "UT": "05:05:00"}, 34711.21181 + HALF, ()),
    ],
)
def test_clocks_of_other_places_and_short_years(
    cards: dict[str, object], middle: float, flags: tuple[str, ...]
) -> None:
    found = exposure_time(header(EXPTIME=60.0, **cards), CameraSettings())
    assert found.mid_mjd_utc == pytest.approx(middle, abs=1e-5)
    said = {"time_uncertain", "time_cards_disagree"} & {str(f) for f in found.flags}
    assert said == set(flags)


@pytest.mark.parametrize(
    ("card", "value", "comment", "seconds"),
    [
        ("XPOSURE", 120.0, "", 120.0),
        ("EXPTIME", 2.0, "exposure (min)", 120.0),
        ("EXPTIME", 2.0, "seconds (min 0.1)", 2.0),
        ("EXPTIME", 120.0, "[s] total, minutes are in EXPMIN", 120.0),
    ],
)
def test_units_of_the_exposure(
    card: str, value: float, comment: str, seconds: float
) -> None:
    told = header(DATE_OBS="2025-11-21T06:00:00")
    told[card] = (value, comment)
    assert exposure_time(told, CameraSettings()).exposure_s == seconds
