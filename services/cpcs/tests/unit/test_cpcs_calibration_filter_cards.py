"""What kind of filter a card's text stands for."""

import pytest

from bhtom_cpcs.science.calibration.filter_cards import (
    FilterKind,
    declared_filter,
    names_a_filter,
)


@pytest.mark.parametrize(
    ("card", "kind", "word"),
    [
        (None, FilterKind.GENERIC, ""),
        ("", FilterKind.GENERIC, ""),
        ("  ", FilterKind.GENERIC, ""),
        ("3", FilterKind.GENERIC, ""),
        ("-1.0", FilterKind.GENERIC, ""),
        ("Filter 2", FilterKind.GENERIC, ""),
        ("POS_4", FilterKind.GENERIC, ""),
        ("UNKNOWN", FilterKind.GENERIC, ""),
        ("RGGB", FilterKind.GENERIC, ""),
        ("None", FilterKind.GENERIC, ""),
        ("Clear             ", FilterKind.CLEAR, "clear"),
        ("clear,  ", FilterKind.CLEAR, "clear"),
        ("L", FilterKind.CLEAR, "clear"),
        ("Luminance", FilterKind.CLEAR, "clear"),
        ("C", FilterKind.CLEAR, "clear"),
        ("UV/IR cut", FilterKind.CLEAR, "clear"),
        ("UV-IR", FilterKind.CLEAR, "clear"),
        ("IR Cut", FilterKind.CLEAR, "clear"),
        ("CLS", FilterKind.LIGHT_POLLUTION, "CLS"),
        ("CLS-CCD", FilterKind.LIGHT_POLLUTION, "CLSCCD"),
        ("IDAS LPS-D2", FilterKind.LIGHT_POLLUTION, "IDASLPSD2"),
        ("L-eXtreme", FilterKind.LIGHT_POLLUTION, "LeXtreme"),
        ("Ha", FilterKind.NARROW, "Halpha"),
        ("H-alpha 7nm", FilterKind.NARROW, "Halpha"),
        ("H_Alpha", FilterKind.NARROW, "Halpha"),
        ("OIII", FilterKind.NARROW, "OIII"),
        ("O3", FilterKind.NARROW, "OIII"),
        ("[O III]", FilterKind.NARROW, "OIII"),
        ("SII", FilterKind.NARROW, "SII"),
        ("S2", FilterKind.NARROW, "SII"),
        ("Hbeta", FilterKind.NARROW, "Hbeta"),
        ("g_band", FilterKind.NAMED, ""),
        ("r", FilterKind.NAMED, ""),
        ("I", FilterKind.NAMED, ""),
        ("Bessell V", FilterKind.NAMED, ""),
        ("i DECam SDSS c0003 7835.0 1470.0", FilterKind.NAMED, ""),
        ("z SDSS c6020", FilterKind.NAMED, ""),
        ("rp", FilterKind.NAMED, ""),
        ("w", FilterKind.NAMED, ""),
        ("plexi", FilterKind.NAMED, ""),
        ("RG", FilterKind.NAMED, ""),
        ("Harris B", FilterKind.NAMED, ""),
    ],
)
def test_kind_of_card(card: str | None, kind: FilterKind, word: str) -> None:
    declared = declared_filter(card)
    assert (declared.kind, declared.word) == (kind, word)
    assert declared.card == card
    assert names_a_filter(card) == (kind is not FilterKind.GENERIC)
