"""Points from frames: each thing once, whatever repeats and in whatever order."""

import asyncio
import random

import pytest
from sqlalchemy import func, select

from bhtom_core.light_curves.tables import light_curves, point_revisions, points
from bhtom_core.testing import calibrated, measurement


async def test_a_frame_makes_a_point(core) -> None:
    ada = await core.person("ada")
    target = await core.target(ada)
    event = calibrated(ada.user_id, measurement(target["target_id"]))
    await core.handle(event, trace_id="12" * 16)
    (answer,) = await core.answers(event.data_product_id)
    (result,) = answer["results"]
    assert (result["disposition"], result["revision"]) == ("recorded", 1)
    found = await core.light_curve(target["target_id"])
    assert found["version"] == 1
    (point,) = found["points"]
    assert point["point_id"] == result["point_id"]
    assert (point["value"], point["error"]) == (17.0, 0.01)
    assert (point["system"], point["passband"]) == ("AB", "GaiaSP/r")
    assert point["passband_displayed"] == "r(GaiaSP)"
    assert point["facility"] == "ROAD_QHY600M"
    assert point["observers"] == ["Ada"]
    assert point["trace_id"] == "12" * 16
    assert len(point["flag_texts"]) == 1
    async with core.client() as client:
        details = (await client.get(f"/api/v1/points/{point['point_id']}")).json()
        shown = (await client.get(f"/api/v1/targets/{target['target_id']}")).json()
    assert (details["record"], details["component"]) == (
        str(event.data_product_id),
        "0",
    )
    assert details["error_budget"] == {"photon": 0.008, "zero_point": 0.006}
    assert details["other_fluxes"] == {
        "aperture": 1230.0,
        "aperture_error": 12.0,
        "fixed_aperture": 5.0,
        "fixed_aperture_flux": 2468.0,
    }
    assert [r["current"] for r in details["revisions"]] == [True]
    assert details["zero_point"]["filter_disagrees"] is True
    assert shown["light_curve"] == {
        "version": 1,
        "point_count": 1,
        "last_mjd": event.time.mid_exposure_mjd,
        "last_magnitude": 17.0,
        "last_passband": "GaiaSP/r",
    }
    (updated,) = await core.events("lightcurve.updated", target["target_id"])
    assert (updated["light_curve_version"], updated["point_count"]) == (1, 1)
    (published,) = await core.events("photometry.published", target["target_id"])
    assert published["point_id"] == point["point_id"]
    assert published["photometry"]["value"] == 17.0


async def test_a_limit_is_a_point_without_a_magnitude(core) -> None:
    ada = await core.person("ada")
    target = await core.target(ada)
    event = calibrated(ada.user_id, measurement(target["target_id"], None))
    await core.handle(event)
    (point,) = (await core.light_curve(target["target_id"]))["points"]
    assert (point["is_limit"], point["value"], point["error"]) == (True, 20.5, None)
    assert (point["limit_sigma"], point["flux"]) == (3.0, -3.0)
    async with core.client() as client:
        shown = (await client.get(f"/api/v1/targets/{target['target_id']}")).json()
        path = f"/api/v1/targets/{target['target_id']}/light-curve.csv"
        table = (await client.get(path)).text.splitlines()
    assert shown["light_curve"]["point_count"] == 1
    assert shown["light_curve"]["last_magnitude"] is None
    assert len(table) == 2


async def test_an_instrumental_catalogue_makes_a_point_of_its_own_source(core) -> None:
    ada = await core.person("ada")
    target = await core.target(ada)
    limit = measurement(target["target_id"], None).model_copy(
        update=dict.fromkeys(("flux", "flux_error", "aperture_radius"))
    )
    event = calibrated(ada.user_id, limit, kind="photometry")
    await core.handle(event)
    await core.handle(
        event.model_copy(update={"calibration_request_id": 10**6, "request_order": 2})
    )
    (point,) = (await core.light_curve(target["target_id"]))["points"]
    assert (point["source"], point["revision"]) == ("photometry_file", 2)
    assert (point["value"], point["flux"]) == (20.5, None)


async def test_a_repeat_changes_nothing_and_is_answered_again(core) -> None:
    ada = await core.person("ada")
    target = await core.target(ada)
    event = calibrated(ada.user_id, measurement(target["target_id"]))
    await core.handle(event)
    await core.handle(event)
    other_value = calibrated(
        ada.user_id,
        measurement(target["target_id"], 15.0),
        data_product_id=event.data_product_id,
        calibration_request_id=event.calibration_request_id,
    )
    await core.handle(other_value, event)
    first, *rest = await core.answers(event.data_product_id)
    assert rest == [first] * 3
    found = await core.light_curve(target["target_id"])
    assert [p["value"] for p in found["points"]] == [17.0]
    assert found["version"] == 1
    assert len(await core.events("photometry.published", target["target_id"])) == 1


@pytest.mark.parametrize("seed", range(4))
async def test_the_newest_request_counts_in_any_order(core, seed: int) -> None:
    ada = await core.person("ada")
    target = await core.target(ada)
    first = calibrated(ada.user_id, measurement(target["target_id"], 11.0))
    requests = [
        calibrated(
            ada.user_id,
            measurement(target["target_id"], 10.0 + order),
            data_product_id=first.data_product_id,
            fingerprint=first.fingerprint,
            request_order=order,
        )
        for order in range(1, 6)
    ]
    random.Random(seed).shuffle(requests)
    for event in requests:
        await core.handle(event)
    (point,) = (await core.light_curve(target["target_id"]))["points"]
    assert point["value"] == 15.0
    async with core.client() as client:
        details = (await client.get(f"/api/v1/points/{point['point_id']}")).json()
    assert len(details["revisions"]) == 5
    assert [r["value"] for r in details["revisions"]] == [
        event.measurements[0].magnitude for event in requests
    ]
    assert [r["value"] for r in details["revisions"] if r["current"]] == [15.0]
    newest = 0
    for event, answer in zip(
        requests, await core.answers(first.data_product_id), strict=True
    ):
        expected = "recorded" if event.request_order > newest else "superseded"
        newest = max(newest, event.request_order)
        assert [r["disposition"] for r in answer["results"]] == [expected]
        assert answer["request_order"] == event.request_order


async def test_planes_and_targets_are_points_of_their_own(core) -> None:
    ada = await core.person("ada")
    one, other = await core.target(ada), await core.target(ada)
    event = calibrated(
        ada.user_id,
        measurement(other["target_id"], 12.0),
        measurement(one["target_id"], 11.0),
        plane_count=2,
    )
    second = calibrated(
        ada.user_id,
        measurement(one["target_id"], 11.5),
        data_product_id=event.data_product_id,
        calibration_request_id=event.calibration_request_id,
        fingerprint=event.fingerprint,
        plane=1,
        plane_count=2,
    )
    await core.handle(event, second)
    found = await core.light_curve(one["target_id"])
    assert [p["value"] for p in found["points"]] == [11.0, 11.5]
    assert [p["plane"] for p in found["points"]] == [0, 1]
    assert len((await core.light_curve(other["target_id"]))["points"]) == 1
    assert [a["plane"] for a in await core.answers(event.data_product_id)] == [0, 1]


@pytest.mark.parametrize("purpose", ["dry_run", "preview"])
async def test_what_is_only_tried_makes_no_point(core, purpose: str) -> None:
    ada = await core.person("ada")
    target = await core.target(ada)
    event = calibrated(ada.user_id, measurement(target["target_id"]), purpose=purpose)
    await core.handle(event)
    await core.handle(event)
    first, again = await core.answers(event.data_product_id)
    assert first == again
    assert [r["disposition"] for r in first["results"]] == [purpose]
    assert first["results"][0]["point_id"] is None
    assert (await core.light_curve(target["target_id"]))["points"] == []
    assert await core.events("lightcurve.updated", target["target_id"]) == []


async def test_a_deleted_target_gets_no_point(core) -> None:
    ada = await core.person("ada")
    target, kept = await core.target(ada), await core.target(ada)
    async with core.client(ada) as client:
        await client.delete(f"/api/v1/targets/{target['target_id']}")
    event = calibrated(
        ada.user_id,
        measurement(target["target_id"]),
        measurement(10**12),
        measurement(kept["target_id"]),
    )
    await core.handle(event)
    (answer,) = await core.answers(event.data_product_id)
    assert {r["target_id"]: r["disposition"] for r in answer["results"]} == {
        target["target_id"]: "target_deleted",
        10**12: "target_deleted",
        kept["target_id"]: "recorded",
    }


async def test_a_copy_is_kept_and_left_out(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    target = await core.target(ada)
    original = calibrated(ada.user_id, measurement(target["target_id"], 17.0))
    copy = calibrated(
        eve.user_id,
        measurement(target["target_id"], 17.1),
        fingerprint=original.fingerprint,
    )
    await core.handle(original)
    await core.handle(copy)
    (answer,) = await core.answers(copy.data_product_id)
    assert [r["disposition"] for r in answer["results"]] == ["copy"]
    for person in (None, ada, eve):
        found = await core.light_curve(target["target_id"], person)
        assert [p["value"] for p in found["points"]] == [17.0]
        async with core.client(person) as client:
            path = f"/api/v1/targets/{target['target_id']}"
            shown = (await client.get(path)).json()
        assert shown["light_curve"]["point_count"] == 1
    published = await core.events("photometry.published", target["target_id"])
    assert [p["photometry"]["value"] for p in published] == [17.0]
    # Where the first is taken off, the second counts, and the other way round.
    first = (await core.light_curve(target["target_id"]))["points"][0]["point_id"]
    async with core.client(ada) as client:
        await client.post(f"/api/v1/points/{first}/hide", json={"reason": "trail"})
        found = await core.light_curve(target["target_id"])
        assert [p["value"] for p in found["points"]] == [17.1]
        await client.post(f"/api/v1/points/{first}/unhide")
    found = await core.light_curve(target["target_id"])
    assert [p["value"] for p in found["points"]] == [17.0]
    withdrawn = await core.events("photometry.withdrawn", target["target_id"])
    assert [w["reason"] for w in withdrawn] == [
        "The point was hidden.",
        "The point is a copy of another one.",
    ]


async def test_the_tag_of_a_light_curve(core) -> None:
    ada = await core.person("ada")
    target = await core.target(ada)
    await core.handle(calibrated(ada.user_id, measurement(target["target_id"])))
    path = f"/api/v1/targets/{target['target_id']}/light-curve"
    async with core.client() as public, core.client(ada) as owner:
        for name in (path, path + ".csv", path + "?hidden=true"):
            first = await public.get(name)
            tag = {"If-None-Match": first.headers["etag"]}
            assert (await public.get(name, headers=tag)).status_code == 304
            # Another reader may see something else.
            assert (await owner.get(name, headers=tag)).status_code == 200
        await core.handle(calibrated(ada.user_id, measurement(target["target_id"])))
        fresh = await public.get(path, headers=tag)
        assert fresh.status_code == 200
        assert len(fresh.json()["points"]) == 2


async def test_many_frames_of_few_targets_at_once(core) -> None:
    """Lanes record for the same targets at once, and nothing waits in a circle."""
    ada = await core.person("ada")
    targets = [await core.target(ada) for _ in range(3)]
    batches = []
    for seed in range(6):
        events = [
            calibrated(
                ada.user_id,
                *(measurement(each["target_id"]) for each in targets[: 1 + seed % 3]),
            )
            for _ in range(10)
        ]
        random.Random(seed).shuffle(events)
        batches.append(events)
    await asyncio.gather(*(core.handle(*batch) for batch in batches))
    async with core.database.read() as connection:
        for number, target in enumerate(targets):
            here = points.c.target_id == target["target_id"]
            expected = 10 * sum(1 for seed in range(6) if seed % 3 >= number)
            count = await connection.scalar(select(func.count()).where(here))
            assert count == expected
            row = (
                await connection.execute(
                    select(light_curves).where(
                        light_curves.c.target_id == target["target_id"]
                    )
                )
            ).one()
            assert row.point_count == expected
            updates = await core.events("lightcurve.updated", target["target_id"])
            versions = [u["light_curve_version"] for u in updates]
            assert versions == list(range(1, row.version + 1))


async def test_copies_that_come_at_once_are_one(core) -> None:
    people = [await core.person() for _ in range(5)]
    target = await core.target(people[0])
    events = [
        calibrated(
            person.user_id, measurement(target["target_id"]), fingerprint="f" * 64
        )
        for person in people
    ]
    await asyncio.gather(*(core.handle(event) for event in events))
    dispositions = [
        (await core.answers(event.data_product_id))[0]["results"][0]["disposition"]
        for event in events
    ]
    assert sorted(dispositions) == ["copy"] * 4 + ["recorded"]
    assert len((await core.light_curve(target["target_id"]))["points"]) == 1


async def test_revisions_only_grow(core) -> None:
    async with core.database.read() as connection:
        counted = select(point_revisions.c.point_id, func.count().label("n")).group_by(
            point_revisions.c.point_id
        )
        rows = dict((await connection.execute(counted)).all())
        kept = (await connection.execute(select(points))).all()
    assert {point.point_id: point.revision_count for point in kept} == rows
