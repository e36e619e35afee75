"""Words for what was done to a frame do not say what it is."""

import pytest
from astropy.io import fits

from bhtom_cpcs.science.frames.frame_hints import difference_hint
from bhtom_cpcs.science.frames.frame_kind import refuse_calibration_frame
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop


@pytest.mark.parametrize("card", ["IMAGETYP", "PROCTYPE", "OBJECT"])
@pytest.mark.parametrize(
    "text",
    [
        "Light Frame (dark subtracted)",
        "sky subtracted",
        "bias subtracted",
        "dark-subtracted",
        "bias and dark subtracted",
        "bias, dark and flat corrected",
        "Flat corrected",
        "flatfielded",
        "flat-fielded",
        "sky flat corrected",
    ],
)
def test_a_reduced_frame_of_the_sky_is_taken(card: str, text: str) -> None:
    header = fits.Header([(card, text)])
    refuse_calibration_frame(header)
    assert difference_hint(header) is None


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Flat (dark subtracted)", Outcome.IS_FLAT),
        ("Flat, dark and bias subtracted", Outcome.IS_FLAT),
        ("Master flat bias-subtracted", Outcome.IS_FLAT),
        ("FLATFIELD", Outcome.IS_FLAT),
        ("sky flat", Outcome.IS_FLAT),
        ("dark, bias subtracted", Outcome.IS_DARK),
    ],
)
def test_a_reduced_calibration_frame_stays_one(text: str, outcome: Outcome) -> None:
    with pytest.raises(Stop) as stop:
        refuse_calibration_frame(fits.Header([("IMAGETYP", text)]))
    assert stop.value.outcome is outcome


@pytest.mark.parametrize(
    "text", ["template subtracted", "subtracted", "difference, sky subtracted"]
)
def test_a_difference_stays_one(text: str) -> None:
    hint = difference_hint(fits.Header([("IMAGETYP", text)]))
    assert hint is not None
    assert text in hint
