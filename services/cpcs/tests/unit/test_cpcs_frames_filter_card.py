"""Where headers name the filter."""

import pytest
from astropy.io import fits

from bhtom_cpcs.science.frames.filter_card import filter_card
from bhtom_cpcs.science.request import CameraSettings


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({"FILTER": "rp"}, "rp"),
        ({"MYFILT": "V", "FILTER": "R"}, "V"),
        ({"FILTER1": "air", "FILTER2": "rp", "FILTER3": "air"}, "rp"),
        ({"FILTER": "Clear", "FILTER2": "V"}, "Clear"),
        ({"FILTER": "  "}, None),
        ({"FILTER": "open"}, "open"),
        ({"FILTER": "RGGB"}, None),
        ({"FILTER": 3}, "3"),
        ({}, None),
    ],
)
def test_cards(cards: dict[str, object], expected: str | None) -> None:
    header = fits.Header(list(cards.items()))
    assert filter_card(header, CameraSettings(filter_keyword="MYFILT")) == expected
