"""Times and heights against astropy's own, slower machinery."""

from itertools import pairwise

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_sun
from astropy.time import Time
from astropy.utils import iers

from bhtom_cpcs.science.frames.sun_and_air import (
    air_mass,
    altitude_deg,
    bjd_tdb,
    hjd_utc,
    mjd_at_telescope,
    sun_altitude_deg,
    unit_vector,
)
from bhtom_cpcs.science.request import Site

SITE = Site(-31.16, 149.13, 1160.0)
PLACES = [(65.1, -54.9), (300.0, 60.0), (0.0, 0.0), (210.0, -89.5)]


@pytest.fixture(autouse=True)
def offline() -> object:
    with iers.conf.set_temp("auto_download", False):
        yield


def location() -> EarthLocation:
    return EarthLocation.from_geodetic(
        SITE.longitude_deg, SITE.latitude_deg, SITE.height_m
    )


@pytest.mark.parametrize("mjd", [48000.1, 59232.4785, 61000.25])
@pytest.mark.parametrize("place", PLACES)
def test_bjd_tdb(mjd: float, place: tuple[float, float]) -> None:
    moment = Time(mjd, format="mjd", scale="utc", location=location())
    sky = SkyCoord(*place, unit="deg")
    delay = moment.light_travel_time(sky, "barycentric")
    expected = moment.tdb + delay
    found = bjd_tdb(mjd, unit_vector(*place), SITE)
    assert abs(found - expected.jd) * 86400 < 0.001


@pytest.mark.parametrize("place", PLACES)
def test_hjd_utc(place: tuple[float, float]) -> None:
    moment = Time(61000.25, format="mjd", scale="utc", location=location())
    sky = SkyCoord(*place, unit="deg")
    delay = moment.light_travel_time(sky, "heliocentric")
    found = hjd_utc(61000.25, unit_vector(*place), SITE)
    assert abs(found - moment.jd - delay.to_value(u.day)) * 86400 < 0.001


@pytest.mark.parametrize("kind", ["hjd", "bjd"])
def test_light_time_is_taken_back(kind: str) -> None:
    direction = unit_vector(*PLACES[0])
    if kind == "hjd":
        counted = hjd_utc(61000.25, direction, SITE) - 2400000.5
    else:
        tdb = Time(bjd_tdb(61000.25, direction, SITE), format="jd", scale="tdb")
        counted = float(tdb.utc.mjd)
    assert abs(counted - 61000.25) * 86400 > 60
    found = mjd_at_telescope(counted, kind, direction, SITE)
    assert abs(found - 61000.25) * 86400 < 0.001


def test_without_a_site_within_the_earths_radius() -> None:
    direction = unit_vector(*PLACES[0])
    difference = bjd_tdb(60000.0, direction, None) - bjd_tdb(60000.0, direction, SITE)
    assert 0 < abs(difference) * 86400 < 0.022


@pytest.mark.parametrize("place", PLACES)
def test_altitudes(place: tuple[float, float]) -> None:
    moment = Time(60123.4, format="mjd", scale="utc")
    frame = AltAz(obstime=moment, location=location())
    expected = SkyCoord(*place, unit="deg").transform_to(frame).alt.deg
    found = altitude_deg(60123.4, unit_vector(*place), SITE)
    assert found == pytest.approx(expected, abs=0.2)
    sun = get_sun(moment).transform_to(frame).alt.to_value(u.deg)
    assert sun_altitude_deg(60123.4, SITE) == pytest.approx(sun, abs=0.2)


def test_air_mass() -> None:
    assert air_mass(90.0) == pytest.approx(1.0, abs=1e-3)
    assert air_mass(30.0) == pytest.approx(2.0, abs=0.01)
    assert air_mass(-1.0) is None
    heights = [air_mass(value) for value in np.linspace(1, 90, 20)]
    assert all(a > b for a, b in pairwise(heights))
