"""How values are written and read."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bhtom_contracts.outcomes import Outcome
from bhtom_web import presentation as shown
from bhtom_web.coordinates import (
    parse_declination,
    parse_right_ascension,
    write_declination,
    write_right_ascension,
)


@given(st.floats(0, 360, exclude_max=True))
def test_right_ascension_survives_writing(degrees: float) -> None:
    text = write_right_ascension(degrees)
    back = parse_right_ascension(text.replace("s", ""))
    distance = abs(back - degrees)
    assert min(distance, 360 - distance) <= 0.006 * 15 / 3600


@given(st.floats(-90, 90))
def test_declination_survives_writing(degrees: float) -> None:
    back = parse_declination(write_declination(degrees))
    assert abs(back - degrees) <= 0.06 / 3600


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("65.0017", 65.0017),
        ("04:20:00.4", 65.0016667),
        ("4 20 00.4", 65.0016667),
        ("04h20m00.4s", 65.0016667),
        ("0", 0.0),
    ],
)
def test_right_ascensions_as_people_write_them(text: str, degrees: float) -> None:
    assert parse_right_ascension(text) == pytest.approx(degrees, abs=1e-7)


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("-54:56:16", -54.9377778),
        ("−00 00 30", -0.0083333),
        ("+54d56m16s", 54.9377778),
        ("-54,5", -54.5),
    ],
)
def test_declinations_as_people_write_them(text: str, degrees: float) -> None:
    assert parse_declination(text) == pytest.approx(degrees, abs=1e-7)


@pytest.mark.parametrize("text", ["360", "-1", "24:00:00", "12:61:00", "nan", "x"])
def test_what_is_no_right_ascension(text: str) -> None:
    with pytest.raises(ValueError):
        parse_right_ascension(text)


@pytest.mark.parametrize("text", ["91", "-90.1", "12:00:61", "inf"])
def test_what_is_no_declination(text: str) -> None:
    with pytest.raises(ValueError):
        parse_declination(text)


def test_writing_near_the_ends() -> None:
    assert write_right_ascension(359.9999999) == "00h 00m 00.00s"
    assert write_declination(-1e-9) == "+00° 00′ 00.0″"
    assert write_declination(-0.5) == "−00° 30′ 00.0″"
    assert write_declination(89.99999999) == "+90° 00′ 00.0″"


def test_a_place_is_written_as_finely_as_it_is_known() -> None:
    assert shown.right_ascension(152.000012, 2) == "10h 08m 00.0029s"
    assert shown.declination(-31.0000031, 2) == "−31° 00′ 00.011″"
    assert shown.declination(-31.0000031) == "−31° 00′ 00.0″"
    assert write_right_ascension(359.9999999999, 2) == "00h 00m 00.0000s"


def test_bands_are_called_as_points_and_plots_call_them() -> None:
    assert shown.band_text("GaiaSP/r") == "r(GaiaSP)"
    assert shown.band_text("r(GaiaSP)") == "r(GaiaSP)"


def test_numbers_with_units() -> None:
    assert shown.number(-1.234, 2, "mag") == "−1.23 mag"
    assert shown.number(1.2, 1, "″") == "1.2″"
    assert shown.number(3, 0) == "3"
    for nothing in (None, math.nan, "x", True):
        assert shown.number(nothing, 2, "mag") == "–"


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert shown.number(-0.00004, 4, "mag") == "0.0000 mag"
    assert shown.number(-0.00006, 4, "mag") == "−0.0001 mag"
    assert shown.signed(0.00004, 4) == "0.0000"
    assert shown.signed(0.0123, 3, "mag") == "+0.012 mag"
    assert shown.signed(-0.0123, 3, "mag") == "−0.012 mag"
    assert shown.signed(None) == "–"


def test_an_error_is_given_to_two_digits() -> None:
    assert shown.measured(1.00000312, 0.0000213, "″/px") == "1.000003 ± 0.000021″/px"
    assert shown.measured(2.3811, 0.0612, "″") == "2.381 ± 0.061″"
    assert shown.measured(61_234.0, 512.0, "ADU") == "61234 ± 512 ADU"
    assert shown.measured(1.5, None, "s") == "1.500 s"
    assert shown.measured(None, None) == "–"


@pytest.mark.parametrize("outcome", [one.value for one in Outcome])
def test_no_outcome_is_shown_as_its_code(outcome: str) -> None:
    assert shown.OUTCOMES[outcome] != outcome


def test_times_are_utc() -> None:
    assert shown.utc("2026-11-22T16:39:00+02:00") == "2026-11-22 14:39 UTC"
    assert shown.utc("2026-11-22T14:39:00Z") == "2026-11-22 14:39 UTC"
    assert shown.utc("yesterday") == "–"
    assert shown.mjd_utc(60000.5) == "2023-02-25 12:00:00 UTC"
    assert shown.mjd_utc(1e12) == "–"


@pytest.mark.parametrize(
    ("size", "text"),
    [(999, "999 B"), (2_567_520, "2.6 MB"), (64e9, "64.0 GB"), (None, "–")],
)
def test_file_sizes(size: float | None, text: str) -> None:
    assert shown.file_size(size) == text
