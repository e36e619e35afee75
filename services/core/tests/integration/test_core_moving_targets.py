"""Targets that move: made, told to other services, changed, and never in a cone."""

from typing import Any

import pytest

from bhtom_core.state_republishing import republish

ORBIT: dict[str, Any] = {
    "epoch_mjd": 61000.0,
    "semi_major_axis": 2.7660512,
    "eccentricity": 0.0794013,
    "inclination": 10.58780,
    "ascending_node": 80.25221,
    "perihelion_argument": 73.27343,
    "mean_anomaly": 188.70269,
}
PATH = "/api/v1/targets"


def orbit(number: int) -> dict[str, Any]:
    """Another orbit than all others."""
    return ORBIT | {"mean_anomaly": number % 360 + 0.5}


def table(first_mjd: float, **changes: Any) -> dict[str, Any]:
    lines = [f"{first_mjd + n},{10 + n / 10},-5.25,1.5" for n in range(5)]
    text = "mjd,ra,dec,distance\n" + "\n".join(lines)
    return {"observer": "geocentre", "rows": text, **changes}


async def make(core: Any, person: Any, **fields: Any) -> Any:
    async with core.client(person) as client:
        name = f"Body {core.number()} x"
        return await client.post(PATH, json={"name": name, **fields})


async def test_a_body_on_an_orbit_is_made_and_told(core) -> None:
    ada = await core.person("ada")
    elements = orbit(core.number())
    made = await make(core, ada, elements=elements, position_error=0.5)
    assert made.status_code == 201, made.text
    shown = made.json()
    assert (shown["ra"], shown["dec"], shown["ephemeris"]) == (None, None, None)
    assert (shown["position_kind"], shown["position_version"]) == ("elements", 1)
    told = {k: v for k, v in shown["elements"].items() if v is not None}
    assert told == elements
    (event,) = await core.events("target.changed", shown["target_id"])
    position = event["position"]
    assert (position["kind"], position["error"]) == ("elements", 0.5)
    assert position["elements"] == shown["elements"]
    async with core.internal() as service:
        answer = await service.get(f"/internal/targets/{shown['target_id']}")
    assert answer.json()["snapshot"]["position"] == position


async def test_an_ephemeris_is_kept_apart_and_told_whole(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    first = 60000.0 + core.number() / 8
    made = await make(core, ada, ephemeris=table(first), visibility="private")
    assert made.status_code == 201, made.text
    shown = made.json()
    assert shown["ephemeris"] == {
        "observer": "geocentre",
        "row_count": 5,
        "first_mjd": first,
        "last_mjd": first + 4,
        "longest_gap_days": 1.0,
        "has_distance": True,
    }
    rows = f"{PATH}/{shown['target_id']}/ephemeris"
    async with core.client(ada) as client:
        whole = (await client.get(rows)).json()
    last = {"mjd": first + 4, "ra": 10.4, "dec": -5.25, "distance": 1.5}
    assert (len(whole["rows"]), whole["rows"][-1]) == (5, last)
    async with core.client(eve) as client:
        assert (await client.get(rows)).status_code == 404
    (event,) = await core.events("target.changed", shown["target_id"])
    assert event["position"]["ephemeris"] == whole
    async with core.internal() as service:
        answer = await service.get(f"/internal/targets/{shown['target_id']}")
    assert answer.json()["snapshot"]["position"] == event["position"]


async def test_a_position_of_another_kind_takes_the_place(core) -> None:
    ada = await core.person("ada")
    made = await core.target(ada, pm_ra=3.0, parallax=1.0)
    path = f"{PATH}/{made['target_id']}"
    elements = orbit(core.number())
    given = table(59000.0 + core.number() / 8)
    async with core.client(ada) as client:
        moving = (await client.patch(path, json={"elements": elements})).json()
        assert moving["position_kind"] == "elements"
        fixed = ("ra", "dec", "pm_ra", "parallax")
        assert [moving[name] for name in fixed] == [None] * 4
        unchanged = (await client.patch(path, json={"elements": elements})).json()
        named = (await client.patch(path, json={"description": "it moves"})).json()
        assert [unchanged["position_version"], named["position_version"]] == [2, 2]
        followed = (await client.patch(path, json={"ephemeris": given})).json()
        assert (followed["elements"], followed["position_version"]) == (None, 3)
        longer = table(given["rows"].count(",") + 58000.0)
        replaced = (await client.patch(path, json={"ephemeris": longer})).json()
        assert replaced["position_version"] == 4
        assert replaced["ephemeris"]["first_mjd"] != followed["ephemeris"]["first_mjd"]
        seen_from = {**longer, "observer": "site"}
        moved = (await client.patch(path, json={"ephemeris": seen_from})).json()
        assert moved["position_version"] == 5
        half = await client.patch(path, json={"ra": 10.0})
        assert half.status_code == 422
        fixed_again = await client.patch(
            path, json={"ra": made["ra"], "dec": made["dec"]}
        )
        back = fixed_again.json()
        assert (back["position_kind"], back["position_version"]) == ("sidereal", 6)
        assert (back["ephemeris"], back["ra"]) == (None, pytest.approx(made["ra"]))
        assert (await client.get(f"{path}/ephemeris")).status_code == 404
        cone = {"ra": made["ra"], "dec": made["dec"], "radius_arcsec": 5}
        found = (await client.get(PATH, params=cone)).json()["items"]
        assert [one["target_id"] for one in found] == [made["target_id"]]
    events = await core.events("target.changed", made["target_id"])
    kinds = [event["position"]["kind"] for event in events]
    assert kinds == ["sidereal", *["elements"] * 3, *["ephemeris"] * 3, "sidereal"]
    versions = [event["position"]["version"] for event in events]
    assert versions == [1, 2, 2, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("fields", "code", "told"),
    [
        ({}, "invalid_position", "ra: give ra and dec"),
        ({"ra": 10.0}, "invalid_position", "both of them"),
        ({"ra": 1, "dec": 1, "elements": ORBIT}, "invalid_position", "one position"),
        ({"elements": ORBIT, "ephemeris": table(6e4)}, "invalid_position", "one"),
        ({"elements": ORBIT, "pm_ra": 1.0}, "invalid_position", "only a fixed target"),
        ({"elements": {**ORBIT, "eccentricity": -1}}, "invalid", "eccentricity"),
        ({"elements": "no line"}, "invalid", "not a line of MPCORB"),
        ({"elements": []}, "invalid", "elements"),
        ({"ephemeris": table(2461000.5)}, "invalid", "Julian date"),
        ({"ephemeris": {"rows": []}}, "invalid", "observer"),
        ({"ephemeris": table(6e4, rows=[{"ra": 400}] * 300)}, "invalid", "rows.0.ra"),
        ({"ra": 1.0, "dec": 1.0, "position_error": 0}, "invalid", "position_error"),
    ],
)
async def test_what_is_no_position_is_refused(
    core, fields: dict[str, Any], code: str, told: str
) -> None:
    ada = await core.person("ada")
    refused = await make(core, ada, **fields)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert told in refused.json()["detail"]
    assert len(refused.content) < 10_000


async def test_not_a_number_is_refused(core) -> None:
    ada = await core.person("ada")
    body = '{"name": "Nan 1 x", "elements": {"epoch_mjd": NaN, "eccentricity": NaN}}'
    async with core.client(ada) as client:
        refused = await client.post(
            PATH, content=body, headers={"Content-Type": "application/json"}
        )
    assert refused.status_code == 422
    assert "finite" in refused.json()["detail"]


async def test_a_cone_says_what_it_leaves_out(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    for visibility in ("public", "private"):
        made = await make(
            core, ada, elements=orbit(core.number()), visibility=visibility
        )
        assert made.status_code == 201
    cone = {"ra": 10, "dec": 10, "radius_arcsec": 5, "owner_id": ada.user_id}
    async with core.client(ada) as client:
        mine = (await client.get(PATH, params=cone)).json()
        listed = (await client.get(PATH, params={"owner_id": ada.user_id})).json()
    async with core.client(eve) as client:
        hers = (await client.get(PATH, params=cone)).json()
    assert (mine["items"], mine["moving_left_out"]) == ([], 2)
    assert (hers["items"], hers["moving_left_out"]) == ([], 1)
    kinds = [item["position_kind"] for item in listed["items"]]
    assert (kinds, listed["moving_left_out"]) == (["elements"] * 2, 0)


async def test_the_same_orbit_is_the_same_body(core) -> None:
    ada = await core.person("ada")
    elements = orbit(core.number())
    given = table(58000.0 + core.number() / 8)
    for fields in ({"elements": elements}, {"ephemeris": given}):
        first = (await make(core, ada, **fields)).json()
        again = await make(core, ada, **fields)
        assert (again.status_code, again.json()["code"]) == (409, "target_exists")
        assert again.json()["target_id"] == first["target_id"]
        allowed = await make(core, ada, **fields, allow_close=True)
        assert allowed.status_code == 201


async def test_all_is_told_again(core) -> None:
    ada = await core.person("ada")
    given = table(57000.0 + core.number() / 8)
    made = (await make(core, ada, ephemeris=given)).json()
    assert {name async for name, _ in republish(core.database)} >= {"targets"}
    first, again = await core.events("target.changed", made["target_id"])
    assert first["position"] == again["position"]
    assert len(again["position"]["ephemeris"]["rows"]) == 5
