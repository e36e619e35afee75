"""Observatories and cameras over HTTP."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bhtom_contracts.events.cameras import CameraProposed
from bhtom_core.observatories.acceptance import AcceptanceRule
from bhtom_core.observatories.consumers import listening
from bhtom_runtime.testing import deliver

SITE = {"longitude": 20.5, "latitude": 49.25, "altitude": 400.0}


async def observatory(core, person, name: str = "") -> dict[str, Any]:
    body = {"name": name or f"Obs-{core.number()}", **SITE}
    async with core.client(person) as client:
        response = await client.post("/api/v1/observatories", json=body)
    assert response.status_code == 201, response.text
    return response.json()


async def camera(core, person, **fields: Any) -> dict[str, Any]:
    made = await observatory(core, person)
    body = {
        "observatory_id": made["observatory_id"],
        "camera_name": "QHY600M",
        "gain": 0.8,
        "readout_noise": 3.0,
        "saturation_level": 60000,
        "pixel_scale": 0.6,
        **fields,
    }
    async with core.client(person) as client:
        response = await client.post("/api/v1/cameras", json=body)
    assert response.status_code == 201, response.text
    return response.json()


async def test_an_observatory_is_registered_once(core) -> None:
    ada = await core.person("ada")
    made = await observatory(core, ada, "Bialkow")
    assert made["owner"] == ada.username
    async with core.client(ada) as client:
        body = {"name": " BIALKOW", **SITE}
        again = await client.post("/api/v1/observatories", json=body)
        assert again.status_code == 409
        assert again.json()["observatory_id"] == made["observatory_id"]
        for bad in ({"name": "a/b"}, {"latitude": 91}, {"longitude": 361}):
            refused = await client.post("/api/v1/observatories", json=body | bad)
            assert refused.status_code == 422
        listed = await client.get("/api/v1/observatories", params={"name": "bialk"})
        assert [item["name"] for item in listed.json()["items"]] == ["Bialkow"]


async def test_a_camera_waits_for_approval_and_is_then_active(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    root = await core.person("root", admin=True)
    made = await camera(core, ada)
    assert made["oname"] == f"{made['observatory_name']}_QHY600M"
    assert (made["approval"], made["active"]) == ("pending", False)
    assert made["date_keyword"] == "DATE-OBS"
    path = f"/api/v1/cameras/{made['camera_id']}"
    async with core.client(ada) as client:
        early = await client.post(f"{path}/activation", json={"active": True})
        assert early.status_code == 409
        assert early.json()["code"] == "camera_not_approved"
        self_made = await client.post(f"{path}/approval", json={"approved": True})
        assert self_made.status_code == 403
    async with core.client(root) as client:
        pending = await client.get("/api/v1/cameras", params={"state": "pending"})
        assert made["camera_id"] in [c["camera_id"] for c in pending.json()["items"]]
        approved = await client.post(f"{path}/approval", json={"approved": True})
        assert (approved.json()["approval"], approved.json()["active"]) == (
            "approved",
            True,
        )
    async with core.client(eve) as client:
        foreign = await client.post(f"{path}/activation", json={"active": False})
        assert foreign.status_code == 403
    async with core.client(ada) as client:
        stopped = await client.post(f"{path}/activation", json={"active": False})
        assert stopped.json()["active"] is False
    async with core.client(root) as client:
        rejected = await client.post(
            f"{path}/approval", json={"approved": False, "reason": "wrong site"}
        )
        assert rejected.json()["approval"] == "rejected"
        assert rejected.json()["approval_reason"] == "wrong site"
        assert rejected.json()["active"] is False
    events = await core.events("camera.changed", made["camera_id"])
    assert [e["aggregate_version"] for e in events] == [1, 2, 3, 4]
    assert [(e["approval"], e["active"]) for e in events] == [
        ("pending", False),
        ("approved", True),
        ("approved", False),
        ("rejected", False),
    ]
    assert {e["camera"]["camera_version"] for e in events} == {1}


async def test_a_change_is_a_new_version_and_the_old_one_stays(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    made = await camera(core, ada)
    path = f"/api/v1/cameras/{made['camera_id']}"
    async with core.client(eve) as client:
        assert (await client.patch(path, json={"gain": 2.0})).status_code == 403
    async with core.client(ada) as client:
        same = await client.patch(path, json={"gain": 0.8})
        assert same.json()["camera_version"] == 1
        changed = await client.patch(
            path, json={"gain": 1.6, "date_keyword": "date-beg"}
        )
        assert changed.json()["camera_version"] == 2
        assert changed.json()["date_keyword"] == "DATE-BEG"
        assert changed.json()["oname"] == made["oname"]
        unknown_gain = await client.patch(path, json={"gain": None})
        assert unknown_gain.json()["gain"] is None
        bad = await client.patch(path, json={"gain": 0})
        assert bad.status_code == 422
        bad = await client.patch(path, json={"filter_keyword": "MY FILTER"})
        assert bad.json()["code"] == "invalid_keyword"
        versions = (await client.get(f"{path}/versions")).json()["items"]
    assert [(v["camera_version"], v["gain"]) for v in versions] == [
        (3, None),
        (2, 1.6),
        (1, 0.8),
    ]
    last = (await core.events("camera.changed", made["camera_id"]))[-1]
    assert last["camera"]["camera_version"] == 3
    assert last["camera"]["keywords"]["date"] == "DATE-BEG"


async def test_another_site_is_a_new_version_of_each_camera(core) -> None:
    ada = await core.person("ada")
    made = await camera(core, ada)
    path = f"/api/v1/observatories/{made['observatory_id']}"
    async with core.client(ada) as client:
        comment = await client.patch(path, json={"comment": "nice"})
        assert comment.json()["comment"] == "nice"
        moved = await client.patch(path, json={"latitude": 50.0})
        assert moved.json()["latitude"] == 50.0
        camera_now = (await client.get(f"/api/v1/cameras/{made['camera_id']}")).json()
    assert camera_now["camera_version"] == 2
    assert (camera_now["latitude"], camera_now["longitude"]) == (50.0, 20.5)
    events = await core.events("camera.changed", made["camera_id"])
    assert [e["camera"]["site"]["latitude"] for e in events] == [49.25, 50.0]


async def test_an_oname_is_given_once(core) -> None:
    ada = await core.person("ada")
    one = await observatory(core, ada, "Twin_A")
    other = await observatory(core, ada, "Twin")

    async def register(observatory_id: int, name: str) -> int:
        body = {"observatory_id": observatory_id, "camera_name": name}
        async with core.client(ada) as client:
            return (await client.post("/api/v1/cameras", json=body)).status_code

    statuses = await asyncio.gather(
        register(one["observatory_id"], "B"), register(other["observatory_id"], "A_B")
    )
    assert sorted(statuses) == [201, 409]
    assert await register(10**9, "B") == 404


async def test_lists_of_cameras(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    mine = [await camera(core, ada) for _ in range(3)]
    await camera(core, eve)
    async with core.client(ada) as client:
        first = (
            await client.get("/api/v1/cameras", params={"mine": True, "limit": 2})
        ).json()
        rest = await client.get(
            "/api/v1/cameras",
            params={"mine": True, "limit": 2, "cursor": first["next_cursor"]},
        )
        named = await client.get(
            "/api/v1/cameras", params={"oname": mine[1]["oname"].lower()}
        )
        assert (await client.get("/api/v1/cameras?state=broken")).status_code == 422
    found = [c["camera_id"] for c in first["items"] + rest.json()["items"]]
    assert found == [c["camera_id"] for c in mine]
    assert rest.json()["next_cursor"] is None
    assert [c["camera_id"] for c in named.json()["items"]] == [mine[1]["camera_id"]]
    async with core.client() as client:
        assert (await client.get("/api/v1/cameras")).status_code == 401


@pytest.mark.parametrize("lookup", ["by-oname", "id"])
async def test_other_services_ask_for_a_camera(core, lookup: str) -> None:
    ada = await core.person("ada")
    made = await camera(core, ada)
    path, params = f"/internal/cameras/{made['camera_id']}", {}
    if lookup == "by-oname":
        path, params = "/internal/cameras/by-oname", {"oname": made["oname"].upper()}
    async with core.internal() as client:
        answer = (await client.get(path, params=params)).json()
        missing = await client.get("/internal/cameras/999999999")
        assert missing.status_code == 404
    assert answer["epoch"] == 1
    (event,) = await core.events("camera.changed", made["camera_id"])
    assert answer["snapshot"] == event
    async with core.client(ada) as client:
        assert (await client.get(path, params=params)).status_code == 403


async def test_second_order_extinction_is_declared_in_a_version(core) -> None:
    ada = await core.person("ada")
    made = await camera(core, ada)
    path = f"/api/v1/cameras/{made['camera_id']}"
    declared = [{"passband": "GaiaSP/B", "value": 0.03}]
    async with core.client(ada) as client:
        body = {"second_order_extinction": declared}
        changed = await client.patch(path, json=body)
        assert changed.status_code == 200, changed.text
        assert changed.json()["camera_version"] == 2
        assert changed.json()["second_order_extinction"] == declared
        same = await client.patch(path, json=body)
        assert same.json()["camera_version"] == 2
        kept = await client.patch(path, json={"gain": 1.5})
        assert kept.json()["second_order_extinction"] == declared
        for absurd in (
            [{"passband": "GaiaSP/B", "value": 3.0}],
            [{"passband": "GaiaSP/B", "value": "nan"}],
            [{"passband": "", "value": 0.03}],
            declared * 2,
        ):
            answer = await client.patch(path, json={"second_order_extinction": absurd})
            assert answer.status_code == 422, absurd
    events = await core.events("camera.changed", made["camera_id"])
    assert events[0]["camera"]["second_order_extinction"] == []
    assert events[-1]["camera"]["second_order_extinction"] == declared


async def test_what_was_learnt_becomes_a_version_by_an_explicit_step(core) -> None:
    ada = await core.person("ada")
    made = await camera(core, ada)
    path = f"/api/v1/cameras/{made['camera_id']}"
    learned = {
        "frames": 40,
        "nights": 6,
        "first_mjd": 61000.1,
        "last_mjd": 61030.2,
        "software_version": "0.1.0",
        "colour_terms": [
            {
                "passband": "GaiaSP/r",
                "colour": "g - r",
                "slope": -0.041,
                "slope_error": 0.004,
                "frames": 40,
            }
        ],
        "shutter_time": 0.12,
        "shutter_time_error": 0.01,
    }
    async with core.client(ada) as client:
        body = {"learned": learned, "note": "Report of 40 frames."}
        changed = await client.patch(path, json=body)
        assert changed.status_code == 200, changed.text
        assert changed.json()["camera_version"] == 2
        kept = await client.patch(path, json={"gain": 1.5})
        assert kept.json()["learned"]["shutter_time"] == 0.12
        versions = (await client.get(f"{path}/versions")).json()["items"]
        absurd = {"learned": learned | {"frames": 0}}
        assert (await client.patch(path, json=absurd)).status_code == 422
    assert [(v["camera_version"], v["note"]) for v in versions] == [
        (3, ""),
        (2, "Report of 40 frames."),
        (1, ""),
    ]
    assert versions[-1]["learned"] is None
    last = (await core.events("camera.changed", made["camera_id"]))[-1]
    (term,) = last["camera"]["learned"]["colour_terms"]
    assert (term["passband"], term["slope"]) == ("GaiaSP/r", -0.041)


LEARNED = {
    "frames": 40,
    "nights": 6,
    "first_mjd": 61000.0,
    "last_mjd": 61030.0,
    "software_version": "0.1.0",
}


@pytest.mark.parametrize(
    "body",
    [
        '{"gain": NaN}',
        '{"saturation_level": Infinity}',
        '{"pixel_scale": 1e-9}',
        '{"learned": {"shutter_time": NaN}}',
        '{"learned": {"last_mjd": 60000.0}}',
        '{"learned": {"colour_terms": [{"slope": NaN}]}}',
        '{"learned": {"colour_terms": [{"slope": 40.0}]}}',
        '{"learned": {"colour_terms": [{"slope": 0.1, "slope_error": Infinity}]}}',
        '{"learned": {"limits": [{"limit_5_sigma": 99.0}]}}',
        '{"learned": {"flat_residuals": {"cells": [{"column": 4}]}}}',
        '{"learned": {"flat_residuals": {"cells": [{"residual": -7.0}]}}}',
        '{"learned": {"flat_residuals": {"cells": [{"error": NaN}]}}}',
        '{"learned": {"flat_maps": [{"residuals": [-7.0]}]}}',
        '{"learned": {"flat_maps": [{"errors": [NaN]}]}}',
        '{"learned": {"flat_maps": [{"columns": 2}]}}',
        '{"learned": {"flat_maps": [{}, {}]}}',
        '{"learned": {"binning": "0x2"}}',
        '{"binning": 17}',
    ],
)
async def test_a_version_that_no_camera_can_be_is_refused(core, body: str) -> None:
    ada = await core.person("ada")
    made = await camera(core, ada)
    path = f"/api/v1/cameras/{made['camera_id']}"
    wanted = json.loads(body)
    if "learned" in wanted:
        wanted["learned"] = LEARNED | wanted["learned"]
        term = {"passband": "GaiaSP/r", "colour": "g - r", "slope_error": 0.1}
        limit = {"passband": "GaiaSP/r", "exposure_time": 60.0, "frames": 5}
        cell = {"column": 0, "row": 0, "residual": 0.0, "error": 0.1, "stars": 9}
        one = {"passband": "GaiaSP/r", "width": 9, "height": 9, "columns": 1, "rows": 1}
        one |= {"residuals": [0.0], "errors": [0.1], "stars": 9, "frames": 5}
        flat = wanted["learned"].get("flat_residuals", {})
        for parts, whole in (
            (wanted["learned"].get("colour_terms", []), term | {"frames": 5}),
            (wanted["learned"].get("limits", []), limit),
            (flat.get("cells", []), cell),
            (wanted["learned"].get("flat_maps", []), one),
        ):
            parts[:] = [whole | part for part in parts]
        if flat:
            flat |= {"columns": 4, "rows": 4}
    async with core.client(ada) as client:
        refused = await client.patch(
            path,
            content=json.dumps(wanted),
            headers={"Content-Type": "application/json"},
        )
        assert refused.status_code == 422, refused.text
        assert (await client.get(path)).json()["camera_version"] == 1


RULE = AcceptanceRule(min_frames=30, min_nights=3, max_sigma=5.0, max_change=0.05)


def proposal(made: dict[str, Any], **changes: Any) -> CameraProposed:
    values = {
        "camera_id": made["camera_id"],
        "camera_version": made["camera_version"],
        "learned": LEARNED,
        "note": "40 frames agree.",
        "proposed_at": datetime.now(UTC),
    }
    return CameraProposed.model_validate(values | changes)


async def propose(
    core, given: CameraProposed, rule: AcceptanceRule | None = RULE
) -> None:
    """Let core hear of a proposal, under a rule."""
    await deliver(core.database, [listening(rule)], given)


async def in_use(core, person) -> dict[str, Any]:
    made = await camera(core, person)
    chief = await core.person("chief", admin=True)
    path = f"/api/v1/cameras/{made['camera_id']}/approval"
    async with core.client(chief) as client:
        answer = await client.post(path, json={"approved": True})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_operators_rule_makes_a_version_that_says_so(core) -> None:
    ada = await core.person("ada")
    made = await in_use(core, ada)
    path = f"/api/v1/cameras/{made['camera_id']}"

    async def newest() -> dict[str, Any]:
        async with core.client(ada) as client:
            return (await client.get(f"{path}/versions")).json()["items"][0]

    # Without a rule nothing changes by itself, and the settings have none by default.
    await propose(core, proposal(made), None)
    await core.handle(proposal(made))
    assert (await newest())["camera_version"] == 1
    await propose(core, proposal(made, learned=LEARNED | {"frames": 29}))
    await propose(core, proposal(made, gain=0.9))
    assert (await newest())["camera_version"] == 1
    await propose(core, proposal(made, gain=0.81))
    found = await newest()
    assert (found["camera_version"], found["gain"]) == (2, 0.81)
    assert found["learned"]["frames"] == 40
    assert found["note"] == (
        f"Accepted by the operator's rule ({RULE.text}). 40 frames agree."
    )
    last = (await core.events("camera.changed", made["camera_id"]))[-1]
    assert last["camera"]["learned"]["frames"] == 40
    # The same proposal, and one that rests on the version before, change nothing.
    await propose(core, proposal(made, gain=0.81))
    await propose(core, proposal(made | {"camera_version": 2}))
    assert (await newest())["camera_version"] == 2


async def test_an_owner_takes_a_camera_from_the_rule(core) -> None:
    ada, bob = await core.person("ada"), await core.person("bob")
    made = await in_use(core, ada)
    path = f"/api/v1/cameras/{made['camera_id']}"
    off = {"follows": False}
    async with core.client(bob) as client:
        assert (
            await client.post(f"{path}/acceptance-rule", json=off)
        ).status_code == 403
        rule = (await client.get("/api/v1/cameras/acceptance-rule")).json()
        assert rule == {"is_on": False, "text": ""}
    async with core.client(ada) as client:
        assert made["follows_rule"]
        answer = await client.post(f"{path}/acceptance-rule", json=off)
        assert not answer.json()["follows_rule"]
        await propose(core, proposal(made))
        assert (await client.get(path)).json()["camera_version"] == 1
        await client.post(f"{path}/acceptance-rule", json={"follows": True})
        await propose(core, proposal(made))
        assert (await client.get(path)).json()["camera_version"] == 2


async def test_an_owner_goes_back_to_an_earlier_version(core) -> None:
    ada, bob = await core.person("ada"), await core.person("bob")
    made = await in_use(core, ada)
    path = f"/api/v1/cameras/{made['camera_id']}"
    await propose(core, proposal(made, gain=0.81))
    back = f"{path}/versions/1/restore"
    async with core.client(bob) as client:
        assert (await client.post(back, json={})).status_code == 403
    async with core.client(ada) as client:
        assert (
            await client.post(f"{path}/versions/9/restore", json={})
        ).status_code == 404
        answer = await client.post(back, json={"reason": "The wheel was turned."})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found["camera_version"], found["gain"]) == (3, 0.8)
        assert (found["learned"], found["follows_rule"]) == (None, False)
        (newest, *_) = (await client.get(f"{path}/versions")).json()["items"]
        assert newest["note"] == "Version 1 again. The wheel was turned."
        # What a person took back, the rule does not put on again.
        await propose(core, proposal(found))
        assert (await client.get(path)).json()["camera_version"] == 3
