"""Right ascension and declination as people write them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bhtom_core.targets.coordinates import declination, right_ascension
from bhtom_runtime.errors import Invalid


@pytest.mark.parametrize(
    ("given_value", "degrees"),
    [
        (12.5, 12.5),
        ("12.5", 12.5),
        ("1.25e1", 12.5),
        ("12:34:56.7", 188.73625),
        ("12 34 56.7", 188.73625),
        ("12h34m56.7s", 188.73625),
        ("12h 34m 56.7s", 188.73625),
        ("12d30m00s", 12.5),
        (360, 0.0),
        ("24:00:00", 0.0),
        (0, 0.0),
    ],
)
def test_right_ascensions(given_value: float | str, degrees: float) -> None:
    assert right_ascension(given_value) == pytest.approx(degrees)


@pytest.mark.parametrize(
    ("given_value", "degrees"),
    [
        (-12.5, -12.5),
        ("+12.5", 12.5),
        ("-00:30:00", -0.5),
        ("−00:30:00", -0.5),
        ("-00 00 01", -1 / 3600),
        ("+12d34m56s", 12 + 34 / 60 + 56 / 3600),
        ("12°34′56″", 12 + 34 / 60 + 56 / 3600),
        ("-90", -90.0),
    ],
)
def test_declinations(given_value: float | str, degrees: float) -> None:
    assert declination(given_value) == pytest.approx(degrees)


@pytest.mark.parametrize(
    "nonsense",
    ["", "nan", "inf", "12:61:00", "12:00:61", "1e400", "twelve", "12:34:56:78",
     "--5", "25:00:00", -1, 360.1, float("nan"), "٣"],
)  # fmt: skip
def test_refused_right_ascensions(nonsense: float | str) -> None:
    with pytest.raises(Invalid, match="ra:"):
        right_ascension(nonsense)


@pytest.mark.parametrize(
    "nonsense", ["91", -90.001, "-90:00:01", "12h30m", float("inf"), "a" * 60]
)
def test_refused_declinations(nonsense: float | str) -> None:
    with pytest.raises(Invalid, match="dec:"):
        declination(nonsense)


@given(st.floats(-90, 90))
def test_sexagesimal_declinations_come_back(dec: float) -> None:
    total = abs(dec) * 3600
    minutes, seconds = divmod(total, 60)
    degrees, minutes = divmod(minutes, 60)
    seconds = math.floor(seconds * 1e6) / 1e6
    sign = "-" if dec < 0 else "+"
    text = f"{sign}{int(degrees):02d}:{int(minutes):02d}:{seconds:09.6f}"
    assert declination(text) == pytest.approx(dec, abs=1e-6 / 3600 * 1.1)
