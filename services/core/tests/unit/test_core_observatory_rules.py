"""ONAMEs and header keywords."""

import pytest

from bhtom_core.observatories.domain import (
    checked_keyword,
    checked_part_name,
    checked_text,
    oname_of,
)
from bhtom_runtime.errors import Invalid


@pytest.mark.parametrize(
    ("observatory", "camera", "oname"),
    [
        ("ROAD", "QHY600M", "ROAD_QHY600M"),
        ("AZT-8", "C4-16000", "AZT-8_C4-16000"),
        ("UZPW50_Chile", "QHY268PRO", "UZPW50_Chile_QHY268PRO"),
        ("Obserwatorium  Białków", "Cam 1", "Obserwatorium Białków_Cam 1"),
    ],
)
def test_onames(observatory: str, camera: str, oname: str) -> None:
    parts = checked_part_name("name", observatory), checked_part_name("name", camera)
    assert oname_of(*parts) == oname


@pytest.mark.parametrize("name", ["", "a/b", "../x", "<b>", "a\0", "x" * 101, ".a"])
def test_refused_names(name: str) -> None:
    with pytest.raises(Invalid, match="camera_name: use"):
        checked_part_name("camera_name", name)


def test_keywords() -> None:
    assert checked_keyword("date_keyword", " date-obs ") == "DATE-OBS"
    assert (
        checked_keyword("date_keyword", "hierarch eso  obs date")
        == "HIERARCH ESO OBS DATE"
    )
    for bad in ("", "TOO-LONG-KEY", "DATE=OBS", "DÂTE", "A B", "X" * 80):
        with pytest.raises(Invalid, match="is no FITS keyword"):
            checked_keyword("date_keyword", bad)


def test_texts() -> None:
    assert checked_text("comment", " a\nb ") == "a\nb"
    with pytest.raises(Invalid, match="comment"):
        checked_text("comment", "\x1b[31m")
