"""What requests and FILTER cards mean."""

import pytest

from bhtom_cpcs.science.calibration.bands import (
    allowed_bands,
    band_of_card,
    letters_of_card,
    passband_text,
)
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop

OFFERED = tuple(f"GaiaSP/{band}" for band in "uUBgVrRiIz")


@pytest.mark.parametrize(
    ("requested", "letters"),
    [
        ("no", "uUBgVrRiIz"),
        ("GaiaSP/any", "uUBgVrRiIz"),
        ("", "uUBgVrRiIz"),
        ("GaiaSP/ugriz", "ugriz"),
        ("GaiaSP/UBVRI", "UBVRI"),
        ("GaiaSP/r", "r"),
    ],
)
def test_allowed(requested: str, letters: str) -> None:
    allowed = allowed_bands(requested, "GaiaSP", OFFERED, "Gaia")
    assert sorted(band[-1] for band in allowed) == sorted(letters)


@pytest.mark.parametrize("requested", ["GaiaSP/q", "2MASS/J", "GaiaSP/rr", "2MASS/any"])
def test_unknown_filter(requested: str) -> None:
    with pytest.raises(Stop) as stop:
        allowed_bands(requested, "GaiaSP", OFFERED, "Gaia")
    assert stop.value.outcome is Outcome.UNKNOWN_FILTER
    assert requested in stop.value.message


@pytest.mark.parametrize(
    ("card", "band"),
    [
        ("g_band", "g"),
        ("r", "r"),
        ("R", "R"),
        ("rp", "r"),
        ("SDSS-i", "i"),
        ("z DECam SDSS c0004 9260.0 1520.0", "z"),
        ("Bessell V", "V"),
        ("Rc", "R"),
        ("r'", "r"),
        ("Sloan g", "g"),
        ("Clear", None),
        ("L", None),
        ("", None),
        (None, None),
        ("3", None),
        ("UNKNOWN", None),
        ("RGGB", None),
        ("H-alpha", None),
    ],
)
def test_band_of_card(card: str | None, band: str | None) -> None:
    expected = None if band is None else f"GaiaSP/{band}"
    assert band_of_card(card, "GaiaSP", OFFERED) == expected


@pytest.mark.parametrize(
    ("card", "letters"),
    [
        ("y", ("y",)),
        ("Y", ("Y",)),
        ("yp", ("y",)),
        ("J", ("J",)),
        ("H", ("H",)),
        ("Ks", ("K",)),
        ("K_short", ("K",)),
        ("K", ("K",)),
        ("Stromgren y", ()),
        ("Str\u00f6mgren u", ()),
        ("Kron R", ("R",)),
        ("Johnson J", ("J",)),
        ("JK", ()),
    ],
)
def test_bands_that_few_catalogues_have_are_known_by_name(
    card: str, letters: tuple[str, ...]
) -> None:
    assert letters_of_card(card) == letters
    expected = f"2MASS/{letters[0]}" if letters and letters[0] in "JHK" else None
    assert band_of_card(card, "2MASS", ("2MASS/J", "2MASS/H", "2MASS/K")) == expected


def test_passband_text() -> None:
    assert passband_text("GaiaSP/r") == "r(GaiaSP)"
