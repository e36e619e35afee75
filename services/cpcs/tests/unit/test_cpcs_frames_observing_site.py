"""Sites in headers: whichever cards, and both ways of counting longitudes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from astropy.coordinates import EarthLocation
from astropy.io import fits
from astropy.time import Time

from bhtom_cpcs.science.frames.observing_site import site_of
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import Site
from bhtom_cpcs.science.results.reduction import PlaneReduction


@pytest.mark.parametrize(
    ("cards", "latitude", "longitude"),
    [
        ([("SITELAT", "40 12 15"), ("SITELONG", "-77 11 51")], 40.2042, -77.1975),
        ([("SITELAT", "+33:24:24.00"), ("SITELONG", "-116:51:48")], 33.4067, -116.8633),
        (
            [("SITELAT", "31:58.8"), ("SITELONG", "111:36.0", "Longitude (degrees W)")],
            31.98,
            -111.6,
        ),
        ([("LATITUDE", 19.825), ("LONGITUD", -155.469)], 19.825, -155.469),
        ([("LAT-OBS", -31.16), ("LONG-OBS", 149.13)], -31.16, 149.13),
        ([("LAT-OBS", -31.16), ("LONG-OBS", 329.13)], -31.16, -30.87),
    ],
)
def test_cards(cards: list[tuple], latitude: float, longitude: float) -> None:
    site = site_of(fits.Header(cards))
    assert site is not None
    assert site.latitude_deg == pytest.approx(latitude, abs=1e-3)
    assert site.longitude_deg == pytest.approx(longitude, abs=1e-3)


def test_geocentric_vector() -> None:
    place = EarthLocation.from_geodetic(20.81, -32.38, 1760.0)
    vector = zip("XYZ", place.geocentric, strict=True)
    site = site_of(fits.Header([(f"OBSGEO-{axis}", v.value) for axis, v in vector]))
    assert site is not None
    assert (site.latitude_deg, site.longitude_deg, site.height_m) == pytest.approx(
        (-32.38, 20.81, 1760.0), abs=1e-5
    )


@pytest.mark.parametrize(
    "cards",
    [
        [],
        [("SITELAT", ""), ("SITELONG", "")],
        [("SITELAT", 0.0), ("SITELONG", 0.0)],
        [("SITELAT", "north"), ("SITELONG", 12.0)],
        [("SITELAT", 91.0), ("SITELONG", 12.0)],
        [("OBSGEO-X", 0.0), ("OBSGEO-Y", 0.0), ("OBSGEO-Z", 0.0)],
    ],
)
def test_no_site(cards: list[tuple]) -> None:
    assert site_of(fits.Header(cards)) is None


@pytest.fixture
def reduce(field, frame_of: Callable, tmp_path: Path) -> Callable:  # type: ignore[no-untyped-def]
    """Reduce the field's frame, with cards changed and the camera's site unknown."""

    def run(site: Site | None = None, **cards: object) -> PlaneReduction:
        path = tmp_path / "frame.fits"
        path.write_bytes(frame_of().fits_bytes)
        with fits.open(path, mode="update") as hdus:
            for name, value in cards.items():
                hdus[0].header[name] = value
        request = replace(field.request, site=site)
        return reduce_frame(path, request, field.reference).planes[0]

    return run


def test_the_headers_site_counts_where_the_camera_has_none(reduce: Callable) -> None:
    timing = reduce(SITELAT=-31.16, SITELONG=149.13).timing
    assert timing.site_source == "header"
    assert timing.air_mass > 1
    assert "time_or_site_implausible" not in timing.flags
    assert "site_unknown" not in timing.flags


def test_longitudes_counted_westward_are_seen_by_the_sun(reduce: Callable) -> None:
    plane = reduce(SITELAT=-31.16, SITELONG=-110.0)
    assert "time_or_site_implausible" not in plane.timing.flags
    assert any("westward" in text for text in plane.warnings)


def test_daylight_either_way_is_implausible(reduce: Callable) -> None:
    plane = reduce(SITELAT=-31.16, SITELONG=0.5)
    assert "time_or_site_implausible" in plane.timing.flags


def test_another_air_mass_in_the_header_is_said(reduce: Callable) -> None:
    cards = {"SITELAT": -31.16, "SITELONG": 149.13}
    right = reduce(**cards)
    wrong = reduce(AIRMASS=right.timing.air_mass + 0.8, **cards)
    assert wrong.timing.air_mass == right.timing.air_mass
    assert any("AIRMASS" in text for text in wrong.warnings)
    same = reduce(AIRMASS=right.timing.air_mass, **cards)
    assert not any("AIRMASS" in text for text in same.warnings)


def test_local_time_is_brought_to_utc_by_the_cameras_site(
    reduce: Callable,
) -> None:
    site = Site(-31.16, 149.13, 1100.0)
    right = reduce(site).timing
    local = Time(right.mid_exposure_mjd_utc + 10 / 24, format="mjd").isot
    card = (local, "local time, mid exposure")
    told = {"DATE-OBS": card, "TIMEZONE": 10, "MJD-OBS": "", "DATE-AVG": ""}
    plane = reduce(site, **told)
    assert plane.timing.mid_exposure_mjd_utc == pytest.approx(
        right.mid_exposure_mjd_utc, abs=1e-7
    )
    assert any("10 h ahead of UTC" in text for text in plane.warnings)
    assert "time_converted" in plane.timing.flags
    assert "time_or_site_implausible" not in plane.timing.flags
    unsure = reduce(**told)
    assert "time_uncertain" in unsure.timing.flags
    assert any("not which way it counts" in text for text in unsure.warnings)
