"""Who sees what: every combination, and every path of change to it."""

import itertools
import random
from typing import Any

import pytest
from sqlalchemy import select

from bhtom_contracts.events.calibrations import PhotometryCalibrated
from bhtom_core.light_curves.tables import light_curves, points
from bhtom_core.targets.tables import targets
from bhtom_core.testing import calibrated, measurement

LATER, BEFORE = "2999-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
SHARING: dict[str, dict[str, Any]] = {
    "public": {},
    "embargoed": {"embargo_until": LATER},
    "embargo over": {"embargo_until": BEFORE},
    "groups": {"visibility": "groups"},
    "private": {"visibility": "private"},
}
SEEN_BY_ALL = {"public", "embargo over"}
_numbers = itertools.count(1)


def frame(target_id: int, owner_id: int, **changes: Any) -> PhotometryCalibrated:
    """A frame whose magnitude nobody else has."""
    number = next(_numbers)
    one = measurement(target_id, 10.0 + number / 1000)
    return calibrated(owner_id, one, **{"request_order": number, **changes})


async def sees(core, target_id: int, person) -> list[dict[str, Any]] | None:
    """The points on the light curve of a reader; checks that he is told their count."""
    async with core.client(person) as client:
        path = f"/api/v1/targets/{target_id}"
        shown = await client.get(path)
        curve = await client.get(f"{path}/light-curve")
    assert shown.status_code == curve.status_code
    if shown.status_code == 404:
        return None
    found: list[dict[str, Any]] = curve.json()["points"]
    summary = shown.json()["light_curve"]
    assert summary["point_count"] == len(found)
    magnitudes = [point["value"] for point in found]
    assert summary["last_magnitude"] == (magnitudes[-1] if magnitudes else None)
    return found


@pytest.mark.parametrize("of_target", SHARING)
async def test_the_narrowest_of_target_and_product_counts(core, of_target: str) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    bob, root = await core.person("bob"), await core.person("root", admin=True)
    target_id = (await core.target(ada, **SHARING[of_target]))["target_id"]
    product_of = {}
    for of_product, sharing in SHARING.items():
        for owner in (ada, eve):
            event = frame(target_id, owner.user_id, **sharing)
            product_of[event.data_product_id] = (of_product, owner)
            await core.handle(event)
    for reader in (None, ada, eve, bob, root):
        found = await sees(core, target_id, reader)
        if reader not in (ada, root) and of_target not in SEEN_BY_ALL:
            assert found is None
            continue
        expected = {
            product
            for product, (sharing, owner) in product_of.items()
            if reader in (root, owner) or sharing in SEEN_BY_ALL
        }
        assert found is not None
        assert {point["data_product_id"] for point in found} == expected


async def check_invariants(core, target_id: int, readers: list[Any]) -> None:
    """What must hold whatever was done in whatever order."""
    async with core.database.read() as connection:
        here = points.c.target_id == target_id
        rows = (await connection.execute(select(points).where(here))).all()
        target = (
            await connection.execute(
                select(targets).where(targets.c.target_id == target_id)
            )
        ).one()
        kept = await connection.scalar(
            select(light_curves.c.point_count).where(
                light_curves.c.target_id == target_id
            )
        )
    assert (kept or 0) == sum(row.listed for row in rows)
    for row in rows:
        told = row.listed and target.visibility == "public"
        assert row.published_revision == (row.current_revision if told else None)
    for reader in readers:
        found = await sees(core, target_id, reader)
        if found is None:
            continue
        by_id = {row.point_id: row for row in rows}
        shown = [by_id[point["point_id"]] for point in found]
        assert not any(row.hidden_at for row in shown)
        groups = [row.fingerprint for row in shown]
        assert len(groups) == len(set(groups)), "two copies of one frame are shown"
        # A frame of which something may be seen is not lost.
        for row in rows:
            mine = reader is not None and row.owner_id == reader.user_id
            may = mine or row.product_visibility == "public"
            if may and row.hidden_at is None:
                assert row.fingerprint in groups


@pytest.mark.parametrize("seed", range(3))
async def test_any_path_of_changes_keeps_the_invariants(core, seed: int) -> None:
    chance = random.Random(seed)
    people = [await core.person() for _ in range(3)]
    target_id = (await core.target(people[0]))["target_id"]
    path = f"/api/v1/targets/{target_id}"
    fingerprints = [f"{seed}{number:063x}" for number in range(4)]
    sent: list[PhotometryCalibrated] = []
    for _ in range(40):
        step = chance.choice(["new", "new", "again", "newer", "hide", "share"])
        if step == "new" or not sent:
            event = frame(
                target_id,
                chance.choice(people).user_id,
                fingerprint=chance.choice(fingerprints),
                visibility=chance.choice(["public", "public", "private"]),
            )
            sent.append(event)
            await core.handle(event)
        elif step == "again":
            await core.handle(chance.choice(sent))
        elif step == "newer":
            old = chance.choice(sent)
            event = frame(
                target_id,
                old.owner_id,
                data_product_id=old.data_product_id,
                fingerprint=old.fingerprint,
                visibility=chance.choice(["public", "private"]),
                request_order=chance.choice([0, 10**6]) + next(_numbers),
            )
            await core.handle(event)
        elif step == "hide":
            async with core.database.read() as connection:
                here = points.c.target_id == target_id
                rows = (await connection.execute(select(points).where(here))).all()
            row = chance.choice(rows)
            what = "hide" if row.hidden_at is None else "unhide"
            owner = next(p for p in people if p.user_id == row.owner_id)
            async with core.client(owner) as client:
                url = f"/api/v1/points/{row.point_id}/{what}"
                answer = await client.post(url, json={"reason": "why"})
            assert answer.status_code in (200, 404)
        else:
            visibility = chance.choice(["public", "private"])
            async with core.client(people[0]) as client:
                await client.patch(path, json={"visibility": visibility})
        await core.run_jobs()
    await check_invariants(core, target_id, [None, *people])
    async with core.client(people[0]) as client:
        await client.patch(path, json={"visibility": "public"})
    await core.run_jobs()
    await check_invariants(core, target_id, [None, *people])
    told: dict[int, int] = {}
    withdrawn = await core.events("photometry.withdrawn", target_id)
    for event in await core.events("photometry.published", target_id):
        told[event["point_id"]] = told.get(event["point_id"], 0) + 1
    for event in withdrawn:
        assert told[event["point_id"]] > 0


async def test_a_private_original_does_not_show_in_anybody_s_copy(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    target = await core.target(ada)
    original = calibrated(
        ada.user_id, measurement(target["target_id"], 17.0), visibility="private"
    )
    copies = [
        calibrated(
            person.user_id,
            measurement(target["target_id"], 17.0 + number / 10),
            fingerprint=original.fingerprint,
        )
        for number, person in ((1, eve), (2, ada))
    ]
    await core.handle(original, *copies)
    dispositions = [
        (await core.answers(event.data_product_id))[0]["results"][0]["disposition"]
        for event in copies
    ]
    # Eve is not told that somebody has the same frame; Ada knows of her own.
    assert dispositions == ["recorded", "copy"]
    for person, value in ((None, 17.1), (eve, 17.1), (ada, 17.0)):
        found = await core.light_curve(target["target_id"], person)
        assert [p["value"] for p in found["points"]] == [value]
        async with core.client(person) as client:
            path = f"/api/v1/targets/{target['target_id']}"
            shown = (await client.get(path)).json()
        assert shown["light_curve"]["point_count"] == 1
        assert shown["light_curve"]["last_magnitude"] == value


async def test_private_and_embargoed_frames_are_their_owner_s(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    root = await core.person("root", admin=True)
    target = await core.target(eve)
    target_id = target["target_id"]
    secret = calibrated(ada.user_id, measurement(target_id, 11.0), visibility="private")
    later = calibrated(
        ada.user_id,
        measurement(target_id, 12.0),
        embargo_until="2999-01-01T00:00:00Z",
    )
    over = calibrated(
        ada.user_id,
        measurement(target_id, 13.0),
        embargo_until="2020-01-01T00:00:00Z",
    )
    groups = calibrated(ada.user_id, measurement(target_id, 14.0), visibility="groups")
    await core.handle(secret, later, over, groups)
    for person, values in (
        (None, [13.0]),
        (eve, [13.0]),
        (ada, [11.0, 12.0, 13.0, 14.0]),
        (root, [11.0, 12.0, 13.0, 14.0]),
    ):
        found = await core.light_curve(target_id, person)
        assert [p["value"] for p in found["points"]] == values
    hidden_point = (await core.light_curve(target_id, ada))["points"][0]["point_id"]
    async with core.client(eve) as client:
        path = f"/api/v1/points/{hidden_point}"
        assert (await client.get(path)).status_code == 404
        refused = await client.post(f"{path}/hide", json={"reason": "x"})
        assert refused.status_code == 404
    async with core.client(ada) as client:
        shown = (await client.get(f"/api/v1/targets/{target_id}")).json()
    assert shown["light_curve"]["point_count"] == 4
    assert shown["light_curve"]["last_magnitude"] == 14.0
    assert await core.events("photometry.published", target_id) == []
    kind = next(k for k in core.parts.job_kinds if k.name == "end_embargoes")
    await kind.run(None)
    published = await core.events("photometry.published", target_id)
    assert [p["photometry"]["value"] for p in published] == [13.0]


async def test_a_target_made_private_takes_its_points_back(core) -> None:
    ada = await core.person("ada")
    target = await core.target(ada)
    path = f"/api/v1/targets/{target['target_id']}"
    event = calibrated(ada.user_id, measurement(target["target_id"]))
    await core.handle(event)
    await core.run_jobs()
    async with core.client(ada) as client:
        await client.patch(path, json={"visibility": "private"})
        assert await core.run_jobs() == ["publish_target"]
        (gone,) = await core.events("photometry.withdrawn", target["target_id"])
        assert gone["reason"] == "The target is not public any more."
        # More of it stays inside, and the owner sees it all.
        again = calibrated(ada.user_id, measurement(target["target_id"], 18.0))
        await core.handle(again)
        assert len(await core.events("photometry.published", target["target_id"])) == 1
        shown = (await client.get(path)).json()
        assert shown["light_curve"]["point_count"] == 2
        await client.patch(path, json={"visibility": "public"})
        await core.run_jobs()
        published = await core.events("photometry.published", target["target_id"])
        assert [p["photometry"]["value"] for p in published] == [17.0, 17.0, 18.0]
        await client.delete(path)
        await core.run_jobs()
    gone = await core.events("photometry.withdrawn", target["target_id"])
    assert [w["reason"] for w in gone[1:]] == ["The target was deleted."] * 2
