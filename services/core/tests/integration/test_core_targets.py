"""Targets over HTTP: made, found, changed, kept apart."""

import asyncio
from typing import Any

import pytest

from bhtom_core.targets.sky import separation_deg


async def test_a_target_is_made_and_read(core) -> None:
    ada = await core.person("ada")
    body = {
        "name": "  Gaia21xyz ",
        "ra": "18:30:00",
        "dec": "-00:30:00",
        "pm_ra": 1.5,
        "classification": "sn",
        "aliases": ["AT 2021xyz", "gaia21XYZ"],
        "importance": 9.98,
        "cadence": 1,
    }
    async with core.client(ada) as client:
        response = await client.post("/api/v1/targets", json=body)
        assert response.status_code == 201
        made = response.json()
        assert response.headers["location"] == f"/api/v1/targets/{made['target_id']}"
        assert (made["name"], made["aliases"]) == ("Gaia21xyz", ["AT 2021xyz"])
        assert made["ra"] == pytest.approx(277.5)
        assert made["dec"] == pytest.approx(-0.5)
        assert (made["classification"], made["owner"]) == ("SN", ada.username)
        assert made["light_curve"] == {
            "version": 0,
            "point_count": 0,
            "last_mjd": None,
            "last_magnitude": None,
            "last_passband": None,
        }
    async with core.client() as public:
        by_id = await public.get(f"/api/v1/targets/{made['target_id']}")
        assert by_id.json() == made
        for name in ("gaia21xyz", "AT  2021XYZ"):
            found = await public.get("/api/v1/targets/by-name", params={"name": name})
            assert found.json() == made
        tag = by_id.headers["etag"]
        unchanged = await public.get(
            f"/api/v1/targets/{made['target_id']}", headers={"If-None-Match": tag}
        )
        assert (unchanged.status_code, unchanged.content) == (304, b"")
    (event,) = await core.events("target.changed", made["target_id"])
    assert event["aggregate_version"] == 1
    assert event["position"]["ra"] == pytest.approx(277.5)
    assert event["owner_id"] == ada.user_id


async def test_the_tag_changes_with_the_target(core) -> None:
    ada = await core.person("ada")
    made = await core.target(ada)
    path = f"/api/v1/targets/{made['target_id']}"
    async with core.client(ada) as client:
        tag = (await client.get(path)).headers["etag"]
        await client.patch(path, json={"description": "new"})
        fresh = await client.get(path, headers={"If-None-Match": tag})
    assert fresh.status_code == 200
    assert fresh.json()["description"] == "new"


async def test_two_people_do_not_overwrite_each_other(core) -> None:
    ada = await core.person("ada")
    made = await core.target(ada)
    path = f"/api/v1/targets/{made['target_id']}"
    async with core.client(ada) as client:
        tag = (await client.get(path)).headers["etag"]
        for form in ("tag", "strong tag", "version"):
            seen = f'"{made["version"]}"' if form == "version" else tag
            if form == "strong tag":
                seen = tag.removeprefix("W/")
            first, second = await asyncio.gather(
                *(
                    client.patch(
                        path, json={"description": text}, headers={"If-Match": seen}
                    )
                    for text in ("mine", "yours")
                )
            )
            won, lost = sorted((first, second), key=lambda one: one.status_code)
            assert (won.status_code, lost.status_code) == (200, 412)
            assert lost.json()["code"] == "stale"
            assert lost.json()["version"] == won.json()["version"]
            assert "was changed meanwhile" in lost.json()["detail"]
            shown = await client.get(path)
            assert shown.json()["description"] == won.json()["description"]
            made, tag = shown.json(), shown.headers["etag"]
        for version in (None, "*", "one of several"):
            tag = (await client.get(path)).headers["etag"]
            given = f'"0", {tag}' if version == "one of several" else version
            changed = await client.patch(
                path,
                json={"description": "any"},
                headers={} if given is None else {"If-Match": given},
            )
            assert changed.status_code == 200


@pytest.mark.parametrize(
    "header", ["", "7", '"seven"', '"7', '"7.abc"', f'"{"7" * 30}"']
)
async def test_a_condition_that_cannot_be_read_is_refused(core, header: str) -> None:
    ada = await core.person("ada")
    made = await core.target(ada)
    async with core.client(ada) as client:
        refused = await client.patch(
            f"/api/v1/targets/{made['target_id']}",
            json={"description": "new"},
            headers={"If-Match": header},
        )
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_if_match")


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"name": "a/b"}, "invalid_name"),
        ({"name": "<b>"}, "invalid_name"),
        ({"ra": 361}, "invalid_coordinates"),
        ({"dec": "north"}, "invalid_coordinates"),
        ({"classification": "nothing"}, "invalid_classification"),
        ({"description": "\x07"}, "invalid_description"),
        ({"importance": 11}, "invalid"),
        ({"visibility": "secret"}, "invalid"),
        ({"embargo_until": "2026-01-01T00:00:00"}, "invalid"),
        ({"ra": None}, "invalid_position"),
    ],
)
async def test_refused_fields(core, bad: dict[str, Any], code: str) -> None:
    ada = await core.person("ada")
    body = {"name": f"good {core.number()} one", "ra": 1.0, "dec": 1.0, **bad}
    async with core.client(ada) as client:
        response = await client.post("/api/v1/targets", json=body)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code


async def test_writing_needs_a_token_that_may(core) -> None:
    reader = await core.person("reader", scopes="read upload")
    body = {"name": "never made", "ra": 1.0, "dec": 1.0}
    async with core.client() as client:
        assert (await client.post("/api/v1/targets", json=body)).status_code == 401
    async with core.client(reader) as client:
        assert (await client.post("/api/v1/targets", json=body)).status_code == 403


@pytest.mark.parametrize(
    ("first", "second", "separation"),
    [
        ((200.0, 20.0), (200.0, 20.0 + 2.9 / 3600), 2.9),
        ((0.0001 / 3600, 33.0), (360 - 0.5 / 3600, 33.0), None),
        ((359.9999, 0.0), (0.0004, 0.0), 1.8),
        ((10.0, 90.0), (250.0, 90 - 1.0 / 3600), 1.0),
        ((77.0, -89.9999), (257.0, -89.9999), 0.72),
        ((210.0, 85.0), (210.0 + 20 / 3600, 85.0), None),
    ],
)
async def test_a_close_one_is_a_conflict_that_links_to_it(
    core,
    first: tuple[float, float],
    second: tuple[float, float],
    separation: float | None,
) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    expected = separation_deg(*first, *second) * 3600
    assert expected < 3
    made = await core.target(ada, ra=first[0], dec=first[1])
    body = {"name": f"close {core.number()} x", "ra": second[0], "dec": second[1]}
    async with core.client(eve) as client:
        refused = await client.post("/api/v1/targets", json=body)
        assert refused.status_code == 409
        problem = refused.json()
        assert problem["code"] == "target_exists"
        assert problem["target_id"] == made["target_id"]
        assert problem["name"] == made["name"]
        assert problem["separation_arcsec"] == pytest.approx(expected, abs=2e-3)
        if separation is not None:
            assert problem["separation_arcsec"] == pytest.approx(separation, abs=5e-3)
        assert problem["link"] == f"http://bhtom.test/targets/{made['target_id']}"
        allowed = await client.post(
            "/api/v1/targets", json={**body, "allow_close": True}
        )
        assert allowed.status_code == 201


async def test_just_beyond_three_arcseconds_is_another_object(core) -> None:
    ada = await core.person("ada")
    await core.target(ada, ra=205.0, dec=-20.0)
    await core.target(ada, ra=205.0, dec=-20.0 + 3.01 / 3600)


async def test_a_name_or_alias_is_taken_only_once(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    made = await core.target(ada, name="Nova Xyz 1", aliases=["V9999 Xyz"])
    async with core.client(eve) as client:
        for name, aliases in (
            ("nova XYZ 1", []),
            ("v9999 xyz", []),
            ("Nova Xyz 2", ["NOVA xyz 1"]),
        ):
            body = {"name": name, "aliases": aliases, "ra": 80, "dec": 80}
            refused = await client.post("/api/v1/targets", json=body)
            assert refused.status_code == 409
            assert refused.json()["target_id"] == made["target_id"]


async def test_equal_creations_at_once_make_one(core) -> None:
    people = [await core.person() for _ in range(6)]

    async def create(person, number: int) -> int:
        body = {"name": f"Race {number} r", "ra": 123.4, "dec": number * 0.3 / 3600}
        async with core.client(person) as client:
            return (await client.post("/api/v1/targets", json=body)).status_code

    statuses = await asyncio.gather(*map(create, people, range(6)))
    assert sorted(statuses) == [201] + [409] * 5


async def test_a_private_target_never_betrays_itself(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    root = await core.person("root", admin=True)
    secret = await core.target(ada, name="Secret 1 s", visibility="private")
    path = f"/api/v1/targets/{secret['target_id']}"
    same = {"name": "secret 1 S", "ra": secret["ra"], "dec": secret["dec"]}
    async with core.client(eve) as client:
        for get in (
            client.get(path),
            client.get("/api/v1/targets/by-name", params={"name": "Secret 1 s"}),
            client.get(path + "/light-curve"),
            client.get(path + "/light-curve.csv"),
            client.get(path + "/events"),
            client.patch(path, json={"description": "x"}),
            client.delete(path),
        ):
            assert (await get).status_code == 404
        cone = {"ra": secret["ra"], "dec": secret["dec"], "radius_arcsec": 10}
        assert (await client.get("/api/v1/targets", params=cone)).json()["items"] == []
        listed = await client.get("/api/v1/targets", params={"name": "secret 1"})
        assert listed.json()["items"] == []
        made = await client.post("/api/v1/targets", json=same)
        assert made.status_code == 201
    async with core.client(ada) as client:
        own = await client.get("/api/v1/targets/by-name", params={"name": "SECRET 1 S"})
        assert own.json()["target_id"] == secret["target_id"]
        # Made public it would be the second of that name, and is told so.
        refused = await client.patch(path, json={"visibility": "public"})
        assert refused.status_code == 409
        assert refused.json()["target_id"] == made.json()["target_id"]
    async with core.client(root) as client:
        assert (await client.get(path)).status_code == 200


async def test_an_embargo_ends_by_itself(core) -> None:
    ada = await core.person("ada")
    soon = await core.target(ada, embargo_until="2999-01-01T00:00:00Z")
    past = await core.target(ada, embargo_until="2020-01-01T00:00:00Z")
    async with core.client() as client:
        for target, status in ((soon, 404), (past, 200)):
            path = f"/api/v1/targets/{target['target_id']}"
            assert (await client.get(path)).status_code == status
    kind = next(k for k in core.parts.job_kinds if k.name == "end_embargoes")
    await kind.run(None)
    snapshots = await core.events("target.changed", past["target_id"])
    assert [s["embargo_until"] is None for s in snapshots] == [False, True]
    assert len(await core.events("target.changed", soon["target_id"])) == 1


async def test_only_owners_and_administrators_change_a_target(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    root = await core.person("root", admin=True)
    made = await core.target(ada)
    path = f"/api/v1/targets/{made['target_id']}"
    async with core.client(eve) as client:
        refused = await client.patch(path, json={"description": "x"})
        assert refused.status_code == 403
        assert ada.username in refused.json()["detail"]
        assert (await client.delete(path)).status_code == 403
    async with core.client(ada) as client:
        moved = await client.patch(path, json={"dec": made["dec"] + 0.1, "pm_ra": 2})
        assert moved.json()["dec"] == pytest.approx(made["dec"] + 0.1)
        assert moved.json()["version"] == 2
        renamed = await client.patch(path, json={"name": "Renamed 1 r"})
        assert renamed.json()["name"] == "Renamed 1 r"
        empty = await client.patch(path, json={"name": None})
        assert empty.status_code == 422
    async with core.client(root) as client:
        classed = await client.patch(path, json={"classification": "QSO"})
        assert classed.json()["classification"] == "QSO"
    snapshots = await core.events("target.changed", made["target_id"])
    assert [s["aggregate_version"] for s in snapshots] == [1, 2, 3, 4]
    assert [s["position"]["version"] for s in snapshots] == [1, 2, 2, 2]


async def test_a_move_or_renaming_onto_another_is_a_conflict(core) -> None:
    ada = await core.person("ada")
    one, other = await core.target(ada), await core.target(ada)
    path = f"/api/v1/targets/{other['target_id']}"
    async with core.client(ada) as client:
        for change in ({"ra": one["ra"], "dec": one["dec"]}, {"name": one["name"]}):
            refused = await client.patch(path, json=change)
            assert refused.status_code == 409
            assert refused.json()["target_id"] == one["target_id"]
        near = {"ra": one["ra"], "dec": one["dec"], "allow_close": True}
        assert (await client.patch(path, json=near)).status_code == 200
        # It stands close now; other changes do not bring that up again.
        assert (await client.patch(path, json={"pm_ra": 1.0})).status_code == 200


async def test_a_deleted_target_is_gone_and_its_name_free(core) -> None:
    ada = await core.person("ada")
    made = await core.target(ada)
    path = f"/api/v1/targets/{made['target_id']}"
    async with core.client(ada) as client:
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).status_code == 404
        assert (await client.delete(path)).status_code == 404
    await core.target(ada, name=made["name"], ra=made["ra"], dec=made["dec"])
    last = (await core.events("target.changed", made["target_id"]))[-1]
    assert last["deleted_at"] is not None
    async with core.internal() as client:
        answer = await client.get(f"/internal/targets/{made['target_id']}")
        assert answer.json()["snapshot"]["deleted_at"] is not None


async def test_lists_have_pages(core) -> None:
    ada = await core.person("ada")
    made = [await core.target(ada, name=f"Paged {n} p%_") for n in range(5)]
    async with core.client() as client:
        seen, cursor = [], None
        while True:
            params = {"name": "PAGED", "limit": 2} | (
                {"cursor": cursor} if cursor else {}
            )
            page = (await client.get("/api/v1/targets", params=params)).json()
            assert len(page["items"]) <= 2
            seen += [item["target_id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == [target["target_id"] for target in reversed(made)]
        escaped = await client.get("/api/v1/targets", params={"name": "p%_"})
        assert len(escaped.json()["items"]) == 5
        none = await client.get("/api/v1/targets", params={"name": "pag_d"})
        assert none.json()["items"] == []
        owned = await client.get("/api/v1/targets", params={"owner_id": ada.user_id})
        assert len(owned.json()["items"]) == 5


async def test_cone_search_gives_the_nearest_first(core) -> None:
    ada = await core.person("ada")
    places = [(0.0, 60.0), (359.9, 60.0), (0.2, 60.1), (1.5, 60.0), (0.0, 58.0)]
    made = [await core.target(ada, ra=ra, dec=dec) for ra, dec in places]
    params = {"ra": "00:00:00", "dec": "+60:00:00", "radius_arcsec": 3600, "limit": 1}
    seen: list[dict[str, Any]] = []
    async with core.client() as client:
        cursor = None
        while True:
            here = params | ({"cursor": cursor} if cursor else {})
            page = await client.get("/api/v1/targets", params=here)
            seen += page.json()["items"]
            cursor = page.json()["next_cursor"]
            if cursor is None:
                break
        half = await client.get("/api/v1/targets", params={"ra": 1.0})
        assert half.status_code == 422
        for cursor in ("abc", "e30", "eyJpZCI6MX0"):
            here = params | {"cursor": cursor}
            bad = await client.get("/api/v1/targets", params=here)
            assert bad.status_code == 422
    expected = [
        (separation_deg(0, 60, *place) * 3600, target["target_id"])
        for place, target in zip(places, made, strict=True)
    ]
    inside = sorted(each for each in expected if each[0] <= 3600)
    assert [item["target_id"] for item in seen] == [each[1] for each in inside]
    assert [item["separation_arcsec"] for item in seen] == pytest.approx(
        [each[0] for each in inside], abs=1e-6
    )


async def test_hostile_ids_and_names_are_only_not_found(core) -> None:
    async with core.client() as client:
        for path in ("/api/v1/targets/0", f"/api/v1/targets/{2**63}"):
            assert (await client.get(path)).status_code == 422
        missing = await client.get(f"/api/v1/targets/{2**63 - 1}")
        assert missing.status_code == 404
        for name in ("' OR 1=1 --", "a\0b", "x" * 5000, "%"):
            found = await client.get("/api/v1/targets/by-name", params={"name": name})
            assert found.status_code == 404
            listed = await client.get("/api/v1/targets", params={"name": name[:200]})
            assert listed.status_code == 200
