"""Position models evaluated over HTTP."""

from typing import Any

import pytest

from bhtom_cpcs.testing import Cpcs

PATH = "/api/v1/positions"
# Ceres as JPL Horizons (DE431) gives it, in astroquery's and callhorizons' tests.
CERES = {
    "epoch_mjd": 51544.0,
    "perihelion_distance": 2.549670133211852,
    "eccentricity": 0.07837505767652506,
    "inclination": 10.58336086929457,
    "ascending_node": 80.49436516467529,
    "perihelion_argument": 73.92278852641589,
    "perihelion_mjd": 51515.663117752,
}
MAUNA_KEA = {"latitude": 19.8262, "longitude": -155.4742, "altitude": 4205.0}


def table(**changes: Any) -> dict[str, Any]:
    rows = [
        {"mjd": 61000 + n, "ra": 10 + n / 5, "dec": 0, "distance": 1} for n in range(6)
    ]
    return {"observer": "geocentre", "rows": rows, **changes}


async def test_bodies_are_where_jpl_sees_them(cpcs: Cpcs) -> None:
    question = {"position": {"elements": CERES}, "mjd": [51544.0, 70000.0]}
    from_earth = (await cpcs.client.post(PATH, json=question)).json()["items"]
    assert from_earth[0]["ra"] == pytest.approx(188.70280, abs=5e-5)
    assert from_earth[0]["dec"] == pytest.approx(9.09829, abs=5e-5)
    assert "51 years away" in from_earth[1]["problem"]
    question = {**question, "site": MAUNA_KEA, "mjd": [51544.0]}
    (seen,) = (await cpcs.client.post(PATH, json=question)).json()["items"]
    assert (seen["ra"], seen["dec"]) == pytest.approx((188.70187, 9.09786), abs=5e-5)
    assert -90 <= seen["altitude"] <= 90
    assert seen["sun_altitude"] > 0  # two o'clock in the afternoon in Hawaii


async def test_tables_and_stars_are_evaluated_too(cpcs: Cpcs) -> None:
    question = {"position": {"ephemeris": table()}, "mjd": [61002.5, 61005.5]}
    inside, beyond = (await cpcs.client.post(PATH, json=question)).json()["items"]
    assert inside["ra"] == pytest.approx(10.5, abs=1e-5)
    assert "covers MJD 61000.0000 to 61005.0000" in beyond["problem"]
    star = {"ra": 10.0, "dec": 0.0, "epoch": 2000.0, "pm_dec": 1000.0}
    question = {"position": star, "mjd": [61000.0]}
    (moved,) = (await cpcs.client.post(PATH, json=question)).json()["items"]
    assert moved["dec"] * 3600 == pytest.approx(25.89, abs=0.01)
    empty = {"position": {}, "mjd": [61000.0]}
    (nowhere,) = (await cpcs.client.post(PATH, json=empty)).json()["items"]
    assert "neither coordinates nor an orbit" in nowhere["problem"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"mjd": []},
        {"mjd": [61000.0] * 13},
        {"mjd": [1e300]},
        {"mjd": "now"},
        {"position": {"elements": {**CERES, "eccentricity": -1}}},
        {"position": {"ephemeris": table(rows=[])}},
        {"position": None},
        {"site": {"latitude": 91, "longitude": 0}},
    ],
)
async def test_what_cannot_be_evaluated_is_refused(
    cpcs: Cpcs, wrong: dict[str, Any]
) -> None:
    question = {"position": {"elements": CERES}, "mjd": [51544.0], **wrong}
    assert (await cpcs.client.post(PATH, json=question)).status_code == 422
