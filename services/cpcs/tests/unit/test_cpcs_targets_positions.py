"""Where targets are: proper motion, orbits, ephemerides, and what has no place."""

import math
from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import EarthLocation, SkyCoord
from astropy.time import Time

from bhtom_contracts.events.frames import TargetPin
from bhtom_contracts.events.targets import TargetPosition as PinnedPosition
from bhtom_cpcs.calibrations.position_models import target_position
from bhtom_cpcs.science.decisions import Decisions, MeanPosition
from bhtom_cpcs.science.request import (
    Ephemeris,
    EphemerisRow,
    OrbitalElements,
    Site,
    TargetPosition,
)
from bhtom_cpcs.science.targets import orbits
from bhtom_cpcs.science.targets.orbits import (
    OBLIQUITY_RAD,
    OrbitUnusable,
    state_at,
    state_at_epoch,
)
from bhtom_cpcs.science.targets.target_position import place_of

# (1) Ceres from JPL Horizons (DE431), as astroquery's and callhorizons' tests quote it:
# osculating elements, state, and what is seen from the Earth and from Mauna Kea.
CERES_2000 = OrbitalElements(
    epoch_mjd_tdb=51544.0,
    perihelion_distance_au=2.549670133211852,
    eccentricity=0.07837505767652506,
    inclination_deg=10.58336086929457,
    ascending_node_deg=80.49436516467529,
    perihelion_argument_deg=73.92278852641589,
    perihelion_mjd_tdb=51515.663117752,
)
CERES_2006 = OrbitalElements(
    epoch_mjd_tdb=54061.0,
    perihelion_distance_au=2.544823927206557,
    eccentricity=0.07985681703215082,
    inclination_deg=10.58670363476912,
    ascending_node_deg=80.40822338295483,
    perihelion_argument_deg=73.18422155550952,
    perihelion_mjd_tdb=54873.0774668744,
)
CERES_STATE_2000 = (
    np.array([-2.377530254715913, 0.8007773098011088, 0.4628376171505864]),
    np.array([-3.605422534068209e-3, -1.057883330464988e-2, 3.379791158988872e-4]),
)
MAUNA_KEA = Site(19.8262, -155.4742, 4205.0)


def seen(target: TargetPosition, mjd: float) -> tuple[float, float]:
    place = place_of(target, mjd)
    return place.ra_deg, place.dec_deg


def ecliptic(vector: np.ndarray) -> np.ndarray:
    c, s = math.cos(OBLIQUITY_RAD), math.sin(OBLIQUITY_RAD)
    return np.array([[1, 0, 0], [0, c, s], [0, -s, c]]) @ vector


def test_elements_make_the_state_that_jpl_gives() -> None:
    position, velocity = state_at_epoch(CERES_2000)
    assert ecliptic(position) == pytest.approx(CERES_STATE_2000[0], abs=1e-11)
    assert ecliptic(velocity) == pytest.approx(CERES_STATE_2000[1], abs=1e-12)


def test_the_planets_pull() -> None:
    position, _ = state_at(CERES_2006, 51544.0)
    error = np.linalg.norm(ecliptic(position) - CERES_STATE_2000[0])
    assert error < 5e-6  # 0.4 arcsec at 2.5 au, after seven years
    alone, _ = state_at_epoch(replace(CERES_2006, epoch_mjd_tdb=51544.0))
    assert np.linalg.norm(ecliptic(alone) - CERES_STATE_2000[0]) > 5e-3


@pytest.mark.parametrize(
    ("site", "ra", "dec"),
    [(None, 188.70280, 9.09829), (MAUNA_KEA, 188.70187, 9.09786)],
)
def test_ceres_is_seen_where_jpl_sees_it(
    site: Site | None, ra: float, dec: float
) -> None:
    target = TargetPosition(1, elements=CERES_2000)
    place = place_of(target, 51544.0, site)
    assert place.source == "elements"
    there = SkyCoord(place.ra_deg, place.dec_deg, unit="deg")
    assert there.separation(SkyCoord(ra, dec, unit="deg")).arcsec < 0.1


def test_encke_of_a_textbook() -> None:
    # Meeus, Astronomical Algorithms, example 33.b: 10h34m14.2s +19 09' 31"
    a, e = 2.2091404, 0.8502196
    moment = Time("1990-10-06T00:00:00", scale="tdb")
    encke = OrbitalElements(
        epoch_mjd_tdb=moment.mjd,
        perihelion_distance_au=a * (1 - e),
        eccentricity=e,
        inclination_deg=11.94524,
        ascending_node_deg=334.75006,
        perihelion_argument_deg=186.23352,
        perihelion_mjd_tdb=Time("1990-10-28T00:00:00", scale="tdb").mjd + 0.54502,
    )
    place = place_of(TargetPosition(1, elements=encke), moment.utc.mjd)
    book = SkyCoord("10h34m14.2s", "+19d09m31s")
    there = SkyCoord(place.ra_deg, place.dec_deg, unit="deg")
    assert there.separation(book).arcsec < 3


@pytest.mark.parametrize("eccentricity", [0.0, 0.3, 0.97, 0.99999, 1.0, 1.00001, 3.4])
@pytest.mark.parametrize("days", [-3000.0, -400.0, -0.1, 0.0, 20.0, 900.0])
def test_every_conic_keeps_its_energy_and_turning(
    eccentricity: float, days: float
) -> None:
    q = 0.8
    orbit = OrbitalElements(60000.0 + days, q, eccentricity, 30, 40, 50, 60000.0)
    position, velocity = state_at_epoch(orbit)
    mu = 0.01720209895**2
    energy = velocity @ velocity / 2 - mu / np.linalg.norm(position)
    assert energy == pytest.approx(-mu * (1 - eccentricity) / (2 * q), abs=1e-13)
    turning = np.linalg.norm(np.cross(position, velocity))
    assert turning == pytest.approx(math.sqrt(mu * q * (1 + eccentricity)), rel=1e-11)
    if days:
        ahead = state_at_epoch(replace(orbit, epoch_mjd_tdb=60000.0 + days + 1e-3))[0]
        assert ahead - position == pytest.approx(1e-3 * velocity, abs=3e-9)


@pytest.mark.parametrize(
    "change",
    [
        {"perihelion_distance_au": 0.0},
        {"perihelion_distance_au": -3.0},
        {"eccentricity": -0.1},
        {"eccentricity": math.nan},
        {"perihelion_mjd_tdb": math.inf},
        {"epoch_mjd_tdb": 90000.0},
    ],
)
def test_useless_orbits_are_a_sentence(change: dict[str, float]) -> None:
    orbit = replace(CERES_2000, **change)
    with pytest.raises(OrbitUnusable):
        state_at(orbit, 51600.0)
    place = place_of(TargetPosition(1, elements=orbit), 51600.0, MAUNA_KEA)
    assert place.problem


def table_of(step_d: float, *, topocentric: bool, distance: bool) -> Ephemeris:
    target = TargetPosition(1, elements=CERES_2000)
    site = MAUNA_KEA if topocentric else None
    rows = []
    for number in range(12):
        mjd = 51540.0 + number * step_d
        place = place_of(target, mjd, site)
        au = 2.263 if distance else None
        rows.append(EphemerisRow(mjd, place.ra_deg, place.dec_deg, au))
    return Ephemeris(tuple(rows), topocentric)


@pytest.mark.parametrize("topocentric", [True, False])
def test_a_table_gives_what_it_was_made_from(topocentric: bool) -> None:
    step = 0.02 if topocentric else 1.0
    table = table_of(step, topocentric=topocentric, distance=not topocentric)
    moment = 51540.0 + 5.37 * step
    found = place_of(TargetPosition(1, ephemeris=table), moment, MAUNA_KEA)
    wanted = place_of(TargetPosition(1, elements=CERES_2000), moment, MAUNA_KEA)
    there = SkyCoord(wanted.ra_deg, wanted.dec_deg, unit="deg")
    assert SkyCoord(*(found.ra_deg, found.dec_deg), unit="deg").separation(
        there
    ).arcsec < (0.02 if topocentric else 0.1)
    assert found.error_arcsec[0] == pytest.approx(1.0, abs=0.05)


def test_a_table_is_not_extrapolated() -> None:
    table = table_of(1.0, topocentric=False, distance=True)
    for mjd in (51539.999, 51551.001):
        place = place_of(TargetPosition(1, ephemeris=table), mjd, MAUNA_KEA)
        assert "covers MJD 51540.0000 to 51551.0000" in str(place.problem)
    short = Ephemeris(table.rows[:3])
    assert place_of(TargetPosition(1, ephemeris=short), 51541.0).problem
    backwards = Ephemeris(table.rows[::-1])
    assert place_of(TargetPosition(1, ephemeris=backwards), 51541.0).problem
    sparse = Ephemeris(
        tuple(EphemerisRow(51540.0 + 90 * n, 100.0 * n % 360, 10.0) for n in range(6))
    )
    assert "too far apart" in str(
        place_of(TargetPosition(1, ephemeris=sparse), 51700.0).problem
    )


def test_an_unknown_parallax_is_in_the_error() -> None:
    table = table_of(1.0, topocentric=False, distance=False)
    place = place_of(TargetPosition(1, ephemeris=table), 51545.5, MAUNA_KEA)
    assert place.error_arcsec[0] > 8


def test_the_moon_like_parallax_of_a_near_body() -> None:
    # a body 0.01 au from the Earth: the site shifts it by up to 15 arcmin
    rows = tuple(EphemerisRow(60000 + n / 24, 50.0, 10.0, 0.01) for n in range(24))
    table = Ephemeris(rows)
    target = TargetPosition(1, ephemeris=table)
    still = SkyCoord(50.0, 10.0, unit="deg")
    moment = 60000.3
    place = place_of(target, moment, MAUNA_KEA)
    shift = SkyCoord(place.ra_deg, place.dec_deg, unit="deg").separation(still).arcmin
    where = EarthLocation.from_geodetic(
        MAUNA_KEA.longitude_deg, MAUNA_KEA.latitude_deg, MAUNA_KEA.height_m
    )
    observer = where.get_gcrs_posvel(Time(moment, format="mjd"))[0].xyz.to_value(u.au)
    vector = 0.01 * still.cartesian.xyz.value - observer
    angle = np.arccos(vector @ still.cartesian.xyz.value / np.linalg.norm(vector))
    assert shift == pytest.approx(math.degrees(angle) * 60, abs=0.02)


def test_without_any_place() -> None:
    assert "neither coordinates" in str(place_of(TargetPosition(1), 60000.0).problem)


def test_the_mean_position_takes_the_place_of_coordinates_and_moves() -> None:
    target = TargetPosition(7, 150.0, -24.0, pm_ra_masyr=1000.0)
    mean = MeanPosition(7, 3, 150.001, -24.0, 2026.0, 0.02, 0.03, 12)
    place = place_of(target, 61041.25, None, Decisions(mean_positions=(mean,)))
    assert place.source == "mean position"
    assert place.error_arcsec == (0.02, 0.03)
    assert place.ra_deg == pytest.approx(150.001, abs=1e-6)
    later = place_of(target, 61041.25 + 365.25, None, Decisions(mean_positions=(mean,)))
    moved = (later.ra_deg - place.ra_deg) * math.cos(math.radians(24)) * 3600
    assert moved == pytest.approx(1.0, abs=1e-3)


def test_a_pinned_model_keeps_its_meaning() -> None:
    period = 365.2568983 * 2.0**1.5
    elements = {
        "epoch_mjd": 60000.0,
        "semi_major_axis": 2.0,
        "eccentricity": 0.1,
        "inclination": 5.0,
        "ascending_node": 10.0,
        "perihelion_argument": 20.0,
        "mean_anomaly": 90.0,
    }
    pinned = PinnedPosition.model_validate({"kind": "elements", "elements": elements})
    model = target_position(TargetPin(target_id=5, name="x", position=pinned)).elements
    assert model is not None
    assert model.perihelion_distance_au == pytest.approx(1.8)
    assert model.perihelion_mjd_tdb == pytest.approx(60000 - period / 4, abs=1e-3)
    for wrong in (
        {"perihelion_distance": 1.8},
        {"mean_anomaly": None},
        {"eccentricity": 1.2},
        {"semi_major_axis": -2.0},
    ):
        with pytest.raises(ValueError, match=r"Give|agree|ellipse"):
            PinnedPosition.model_validate(
                {"kind": "elements", "elements": {**elements, **wrong}}
            )


@pytest.mark.parametrize("place", [(0.001, 5.0), (120.0, 89.9), (200.0, -60.0)])
def test_proper_motion(place: tuple[float, float]) -> None:
    target = TargetPosition(1, *place, 2016.0, 3000.0, -2000.0)
    moved = SkyCoord(
        place[0] * u.deg,
        place[1] * u.deg,
        pm_ra_cosdec=3000 * u.mas / u.yr,
        pm_dec=-2000 * u.mas / u.yr,
        distance=10 * u.pc,
        obstime=Time(2016.0, format="jyear", scale="tdb"),
    ).apply_space_motion(Time(61000.0, format="mjd", scale="tdb"))
    found = SkyCoord(*seen(target, 61000.0), unit="deg")
    assert found.separation(SkyCoord(moved.ra, moved.dec)).arcsec < 0.05


def test_parallax_is_an_ellipse_of_its_size() -> None:
    target = TargetPosition(1, 269.4, 4.7, 2016.0, parallax_mas=547.0)
    still = SkyCoord(269.4, 4.7, unit="deg")
    shifts = [
        SkyCoord(*seen(target, 60000.0 + day), unit="deg").separation(still)
        for day in range(0, 365, 15)
    ]
    largest = max(shift.arcsec for shift in shifts)
    assert largest == pytest.approx(0.55, rel=0.03)


def test_a_table_of_four_rows_knows_its_error() -> None:
    rows = tuple(EphemerisRow(51540.0 + n, 5.0 * 1.5**n, 10.0, 2.0) for n in range(4))
    found = place_of(
        TargetPosition(1, ephemeris=Ephemeris(rows, topocentric=True)), 51541.5
    )
    assert "too far apart" in str(found.problem)


def test_an_orbit_of_endless_turns_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orbits, "_MOST_EVALUATIONS", 2000)
    tight = OrbitalElements(61000.0, 1e-4, 0.0, 10.0, 20.0, 30.0, 61000.0)
    with pytest.raises(OrbitUnusable, match="turns too often"):
        state_at(tight, 61400.0)
    place = place_of(TargetPosition(1, elements=tight), 61400.0)
    assert place.problem is not None
