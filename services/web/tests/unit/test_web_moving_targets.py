"""The form and the pages of targets that move."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from bhtom_web.pages.position_now import motion_between

Visitors = Callable[..., Any]
ORBIT = {
    "epoch_mjd": "61000",
    "semi_major_axis": "2,7660512",
    "eccentricity": "0.0794013",
    "inclination": "10.5878",
    "ascending_node": "80.25221",
    "perihelion_argument": "73.27343",
    "mean_anomaly": "188.70269",
}
TABLE = "mjd,ra,dec\n61000,10,-5\n61001,10.1,-5\n61002,10.2,-5\n61003,10.3,-5"


def form(kind: str, **fields: str) -> dict[str, str]:
    # A browser sends the fields of the other kinds as well, whatever is in them.
    hidden = {"ra": "1", "dec": "2", "pm_ra": "3", "elements": "", "ephemeris": ""}
    return {**hidden, "name": "Body", "position_kind": kind, **fields}


async def test_an_orbit_is_registered(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    client = visit_as(services.ADA)
    sent = form("elements", **ORBIT, position_error="0,5")
    response = await client.post("/targets/new", data=sent)
    assert response.status_code == 303
    body = world.targets[-1]["sent"]
    numbers = {k: float(v.replace(",", ".")) for k, v in ORBIT.items()}
    assert (body["elements"], body["position_error"]) == (numbers, 0.5)
    assert not body.keys() & {"ra", "dec", "pm_ra", "epoch", "ephemeris"}
    page = (await client.get(response.headers["location"])).text
    assert "on an orbit" in page
    assert "<dd>2.7660512 au</dd>" in page
    assert "2025-11-21" in page
    assert "Right ascension" not in page


async def test_a_pasted_line_takes_the_place_of_the_fields(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    sent = form("elements", elements="00001 and so on", eccentricity="0.5")
    await visit_as(services.ADA).post("/targets/new", data=sent)
    assert world.targets[-1]["sent"]["elements"] == "00001 and so on"


async def test_a_table_is_registered_and_edited(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    client = visit_as(services.ADA)
    sent = form("ephemeris", observer="site", ephemeris=TABLE)
    response = await client.post("/targets/new", data=sent)
    assert response.status_code == 303
    body = world.targets[-1]["sent"]
    assert body["ephemeris"]["observer"] == "site"
    assert body["ephemeris"]["rows"].split() == TABLE.split()
    number = world.targets[-1]["target_id"]
    page = (await client.get(f"/targets/{number}/edit")).text
    assert "mjd,ra,dec\n61000.5,10.25,-5.0\n" in page
    assert 'value="ephemeris" checked' in page
    assert '<option value="site" selected>' in page


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"position_kind": "elements"}, 'id="eccentricity-error">This field is'),
        (
            {"position_kind": "elements", **ORBIT, "mean_anomaly": ""},
            'id="mean_anomaly-error">Give either this or',
        ),
        (
            {"position_kind": "elements", **ORBIT, "perihelion_distance": "1"},
            'id="semi_major_axis-error">Give either this or',
        ),
        (
            {"position_kind": "elements", **ORBIT, "inclination": "flat"},
            'id="inclination-error">This must be a number, for example 10.58780.',
        ),
        ({"position_kind": "ephemeris"}, 'id="ephemeris-error">This field is'),
        (
            {"position_kind": "ephemeris", "ephemeris": TABLE},
            'id="observer-error">This field is',
        ),
        ({"position_kind": "else", "ra": ""}, 'id="ra-error">This field is'),
    ],
)
async def test_what_is_missing_is_told_beside_its_field(
    visit_as: Visitors,
    services: ModuleType,
    world: Any,
    fields: dict[str, str],
    told: str,
) -> None:
    before = len(world.targets)
    sent = {**form("sidereal"), **fields}
    response = await visit_as(services.ADA).post("/targets/new", data=sent)
    assert response.status_code == 422
    assert told in response.text
    assert len(world.targets) == before


async def test_what_core_refuses_stands_beside_its_field(
    visit_as: Visitors, services: ModuleType
) -> None:
    sent = {**form("elements", **ORBIT), "name": "Odd"}
    page = (await visit_as(services.ADA).post("/targets/new", data=sent)).text
    assert 'id="inclination-error">At most 180.' in page
    assert 'id="ephemeris-error">rows 3 mjd: Not finite.' in page
    assert 'id="elements-error">No orbit.' in page


async def test_a_cone_tells_what_it_leaves_out(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    client = visit_as(services.ADA)
    place = "/targets?ra=10&dec=20"
    assert "no fixed place" not in (await client.get(place)).text
    await client.post("/targets/new", data=form("elements", **ORBIT))
    assert "One target that moves has no fixed place" in (await client.get(place)).text
    assert "moves: on an orbit" in (await client.get("/targets")).text


async def test_the_page_tells_where_it_is_now(
    visit_as: Visitors, services: ModuleType, world: Any
) -> None:
    client = visit_as(services.ADA)
    for kind, fields, told in (
        ("elements", ORBIT, "5.0″ an hour"),
        ("ephemeris", {"observer": "site", "ephemeris": TABLE}, "its table ended"),
    ):
        made = await client.post("/targets/new", data=form(kind, **fields))
        address = made.headers["location"].partition("?")[0]
        assert f'hx-get="{address}/position"' in (await client.get(address)).text
        part = await client.get(f"{address}/position")
        assert told in part.text
    assert "/position" not in (await client.get("/targets/1")).text


def test_motion_goes_over_the_meridian() -> None:
    found = motion_between({"ra": 359.9, "dec": 0.0}, {"ra": 0.1, "dec": 0.0})
    assert found is not None
    assert found["arcsec_per_hour"] == pytest.approx(720)
    assert found["position_angle"] == pytest.approx(90)
    assert motion_between({"ra": 1.0, "dec": 0.0}, {"ra": None, "dec": None}) is None
