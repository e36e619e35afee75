"""Dates in the dialects of camera software."""

from datetime import UTC, datetime

import pytest

from bhtom_contracts.events.cameras import HeaderKeywords
from bhtom_upload.intake.exposure_dates import dates_told, has_usable_date
from bhtom_upload.intake.fits_headers import Value

NOW = datetime(2026, 11, 22, tzinfo=UTC)
USABLE: list[dict[str, Value]] = [
    {"DATE-OBS": "2021-01-18T11:26:32.228"},
    {"DATE-OBS": "2021-01-18 11:26:32"},
    {"DATE-OBS": "2021-01-18T11:26:32.228Z"},
    {"DATE-OBS": "2021/01/18", "TIME-OBS": "11:26:32"},
    {"DATE-OBS": "2012-11-05", "UTC-OBS": "4:28:15.58"},
    {"DATE-OBS": "2012-11-05", "UT": 4.47},
    {"DATE-OBS": "30/11/53", "UT": "05:05:00.00"},
    {"DATE-OBS": "1951-08-09T09:60:00"},
    {"DATE-AVG": "2021-01-18T11:29:02"},
    {"DATE-OBS": "unknown", "MJD-OBS": 59232.4767},
    {"MJD-OBS": "55183.2277967334"},
    {"JD": 2457873.75},
]
NOT_USABLE: list[dict[str, Value]] = [
    {},
    {"DATE": "2021-01-18T11:26:32"},
    {"DATE-OBS": "2021-01-18"},
    {"DATE-OBS": "nn/nn/nn"},
    {"DATE-OBS": "2021-02-30T11:26:32"},
    {"DATE-OBS": "2021-01-18T31:26:32"},
    {"DATE-OBS": "0000-00-00T00:00:00"},
    {"DATE-OBS": "2031-01-18T11:26:32"},
    {"DATE-OBS": "1821-01-18T11:26:32"},
    {"DATE-OBS": "٢٠٢١-01-18T11:26:32"},
    {"MJD-OBS": 0.0},
    {"MJD-OBS": "nan"},
    {"MJD-OBS": True},
    {"JD": 2021.5},
]


@pytest.mark.parametrize("cards", USABLE)
def test_these_tell_when(cards: dict[str, Value]) -> None:
    assert has_usable_date([cards], HeaderKeywords(), NOW)


@pytest.mark.parametrize("cards", NOT_USABLE)
def test_these_do_not(cards: dict[str, Value]) -> None:
    assert not has_usable_date([cards], HeaderKeywords(), NOW)


def test_the_cameras_own_keywords_are_read() -> None:
    keywords = HeaderKeywords(date="NIGHT", time="CLOCK")
    cards: dict[str, Value] = {"NIGHT": "2021-01-18", "CLOCK": "11:26:32"}
    assert has_usable_date([cards], keywords, NOW)
    assert not has_usable_date([cards], HeaderKeywords(), NOW)
    assert has_usable_date(
        [{"EPOCHJD": 2457873.75}], HeaderKeywords(date="EPOCHJD"), NOW
    )


def test_the_image_comes_before_the_first_header() -> None:
    image: dict[str, Value] = {"DATE-OBS": "broken"}
    primary: dict[str, Value] = {"DATE-OBS": "2021-01-18T11:26:32"}
    assert not has_usable_date([image, primary], HeaderKeywords(), NOW)
    assert has_usable_date([{}, primary], HeaderKeywords(), NOW)
    assert dates_told([image, primary], HeaderKeywords()) == ["DATE-OBS = 'broken'"]
