"""Points from frames: each thing once, whatever repeats and in whatever order."""

import itertools
import random
from typing import Any

import pytest
from sqlalchemy import func, select

from bhtom_contracts.events.frames import (
    ErrorBudget,
    FrameQuality,
    FrameTime,
    Measurement,
    PhotometryCalibrated,
    ZeroPoint,
)
from bhtom_contracts.outcomes import Outcome
from bhtom_core.light_curves.tables import light_curves, point_revisions, points

_numbers = itertools.count(1000)


def measurement(target_id: int, magnitude: float | None = 17.0) -> Measurement:
    return Measurement(
        target_id=target_id,
        ra=10.0,
        dec=20.0,
        x=100.5,
        y=200.5,
        flux=1234.5 if magnitude else -3.0,
        flux_error=10.0,
        signal_to_noise=123.45 if magnitude else -0.3,
        aperture_radius=6.0,
        magnitude=magnitude,
        magnitude_error=None if magnitude is None else 0.01,
        limit_3_sigma=20.5,
        limit_5_sigma=19.9,
        limit_definition="forced flux error",
        is_limit=magnitude is None,
        flags=1,
        error_budget=ErrorBudget(photon=0.008, zero_point=0.006),
    )


def calibrated(
    owner_id: int, *measurements: Measurement, **changes: Any
) -> PhotometryCalibrated:
    """The calibration of a frame that nobody has seen before."""
    number = next(_numbers)
    fields: dict[str, Any] = {
        "data_product_id": number,
        "calibration_id": number * 10,
        "calibration_request_id": number * 100,
        "request_order": 1,
        "purpose": "record",
        "outcome": Outcome.CALIBRATED,
        "message": "Calibrated.",
        "finished_at": "2026-01-01T00:00:00Z",
        "owner_id": owner_id,
        "observers": ("Ada",),
        "camera_id": 1,
        "camera_version": 2,
        "facility": "ROAD_QHY600M",
        "fingerprint": f"{number:064x}",
        "time": FrameTime(
            mid_exposure_mjd=60000.0 + number,
            bjd_tdb=60000.5 + number,
            exposure_time=30.0,
            time_as_reported="2026-01-01T00:00:00",
        ),
        "quality": FrameQuality(fwhm=3.2),
        "zero_point": ZeroPoint(
            passband="GaiaSP/r",
            value=25.0,
            error=0.005,
            scatter=0.02,
            matched_stars=60,
            used_stars=55,
            outlier_fraction=0.08,
            matching_radius=1.0,
            filter_card="V",
            filter_disagrees=True,
            catalogue="GaiaSP",
            release="dr3",
        ),
        "method": "aperture",
        "software_version": "1.0",
        "settings_version": "s1",
        "measurements": measurements,
        **changes,
    }
    return PhotometryCalibrated(**fields)


async def answers(core, product: int) -> list[dict[str, Any]]:
    return await core.events("photometry.recorded", product)


async def light_curve(core, target_id: int, person=None, **params) -> dict[str, Any]:
    async with core.client(person) as client:
        path = f"/api/v1/targets/{target_id}/light-curve"
        response = await client.get(path, params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_frame_makes_a_point(core) -> None:
    ada = await core.person("ada")
    target = await core.target(ada)
    event = calibrated(ada.user_id, measurement(target["target_id"]))
    await core.handle(event, trace_id="12" * 16)
    (answer,) = await answers(core, event.data_product_id)
    (result,) = answer["results"]
    assert (result["disposition"], result["revision"]) == ("recorded", 1)
    found = await light_curve(core, target["target_id"])
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
    (point,) = (await light_curve(core, target["target_id"]))["points"]
    assert (point["is_limit"], point["value"], point["error"]) == (True, 20.5, None)
    assert (point["limit_sigma"], point["flux"]) == (3.0, -3.0)
    async with core.client() as client:
        shown = (await client.get(f"/api/v1/targets/{target['target_id']}")).json()
        path = f"/api/v1/targets/{target['target_id']}/light-curve.csv"
        table = (await client.get(path)).text.splitlines()
    assert shown["light_curve"]["point_count"] == 1
    assert shown["light_curve"]["last_magnitude"] is None
    assert len(table) == 2


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
    first, *rest = await answers(core, event.data_product_id)
    assert rest == [first] * 3
    found = await light_curve(core, target["target_id"])
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
    (point,) = (await light_curve(core, target["target_id"]))["points"]
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
        requests, await answers(core, first.data_product_id), strict=True
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
    found = await light_curve(core, one["target_id"])
    assert [p["value"] for p in found["points"]] == [11.0, 11.5]
    assert [p["plane"] for p in found["points"]] == [0, 1]
    assert len((await light_curve(core, other["target_id"]))["points"]) == 1
    assert [a["plane"] for a in await answers(core, event.data_product_id)] == [0, 1]


@pytest.mark.parametrize("purpose", ["dry_run", "preview"])
async def test_what_is_only_tried_makes_no_point(core, purpose: str) -> None:
    ada = await core.person("ada")
    target = await core.target(ada)
    event = calibrated(ada.user_id, measurement(target["target_id"]), purpose=purpose)
    await core.handle(event)
    await core.handle(event)
    first, again = await answers(core, event.data_product_id)
    assert first == again
    assert [r["disposition"] for r in first["results"]] == [purpose]
    assert first["results"][0]["point_id"] is None
    assert (await light_curve(core, target["target_id"]))["points"] == []
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
    (answer,) = await answers(core, event.data_product_id)
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
    (answer,) = await answers(core, copy.data_product_id)
    assert [r["disposition"] for r in answer["results"]] == ["copy"]
    for person in (None, ada, eve):
        found = await light_curve(core, target["target_id"], person)
        assert [p["value"] for p in found["points"]] == [17.0]
        async with core.client(person) as client:
            path = f"/api/v1/targets/{target['target_id']}"
            shown = (await client.get(path)).json()
        assert shown["light_curve"]["point_count"] == 1
    published = await core.events("photometry.published", target["target_id"])
    assert [p["photometry"]["value"] for p in published] == [17.0]
    # Where the first is taken off, the second counts, and the other way round.
    first = (await light_curve(core, target["target_id"]))["points"][0]["point_id"]
    async with core.client(ada) as client:
        await client.post(f"/api/v1/points/{first}/hide", json={"reason": "trail"})
        found = await light_curve(core, target["target_id"])
        assert [p["value"] for p in found["points"]] == [17.1]
        await client.post(f"/api/v1/points/{first}/unhide")
    found = await light_curve(core, target["target_id"])
    assert [p["value"] for p in found["points"]] == [17.0]
    withdrawn = await core.events("photometry.withdrawn", target["target_id"])
    assert [w["reason"] for w in withdrawn] == [
        "The point was hidden.",
        "The point is a copy of another one.",
    ]


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
        (await answers(core, event.data_product_id))[0]["results"][0]["disposition"]
        for event in copies
    ]
    # Eve is not told that somebody has the same frame; Ada knows of her own.
    assert dispositions == ["recorded", "copy"]
    for person, value in ((None, 17.1), (eve, 17.1), (ada, 17.0)):
        found = await light_curve(core, target["target_id"], person)
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
        found = await light_curve(core, target_id, person)
        assert [p["value"] for p in found["points"]] == values
    hidden_point = (await light_curve(core, target_id, ada))["points"][0]["point_id"]
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


async def test_hiding_needs_a_reason_and_a_right(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    bob, root = await core.person("bob"), await core.person("root", admin=True)
    target = await core.target(ada)
    event = calibrated(eve.user_id, measurement(target["target_id"]))
    await core.handle(event)
    (point,) = (await light_curve(core, target["target_id"]))["points"]
    path = f"/api/v1/points/{point['point_id']}"
    async with core.client(bob) as client:
        refused = await client.post(f"{path}/hide", json={"reason": "mine"})
        assert refused.status_code == 403
    async with core.client() as client:
        refused = await client.post(f"{path}/hide", json={"reason": "mine"})
        assert refused.status_code == 401
    for person in (ada, eve, root):
        async with core.client(person) as client:
            missing = await client.post(f"{path}/hide", json={"reason": "  "})
            assert missing.json()["code"] == "reason_missing"
            hidden = await client.post(f"{path}/hide", json={"reason": "a  trail"})
            assert hidden.status_code == 200
            assert hidden.json()["hidden"] is True
            assert hidden.json()["hidden_reason"] == "a trail"
            assert hidden.json()["hidden_by"] == person.username
            twice = await client.post(f"{path}/hide", json={"reason": "again"})
            assert twice.status_code == 409
            assert (await light_curve(core, target["target_id"]))["points"] == []
            shown = await light_curve(core, target["target_id"], hidden=True)
            assert [p["hidden"] for p in shown["points"]] == [True]
            back = await client.post(f"{path}/unhide")
            assert back.json()["hidden"] is False
            assert back.json()["hidden_reason"] is None
            assert (await client.post(f"{path}/unhide")).status_code == 409
    withdrawn = await core.events("photometry.withdrawn", target["target_id"])
    assert [w["reason"] for w in withdrawn] == ["The point was hidden."] * 3
    assert "trail" not in str(withdrawn)
    assert len(await core.events("photometry.published", target["target_id"])) == 4


async def test_a_hidden_point_stays_hidden_after_a_new_calibration(core) -> None:
    ada = await core.person("ada")
    target = await core.target(ada)
    event = calibrated(ada.user_id, measurement(target["target_id"], 17.0))
    await core.handle(event)
    (point,) = (await light_curve(core, target["target_id"]))["points"]
    async with core.client(ada) as client:
        path = f"/api/v1/points/{point['point_id']}"
        await client.post(f"{path}/hide", json={"reason": "trail"})
    newer = calibrated(
        ada.user_id,
        measurement(target["target_id"], 18.0),
        data_product_id=event.data_product_id,
        fingerprint=event.fingerprint,
        request_order=2,
    )
    await core.handle(newer)
    assert (await light_curve(core, target["target_id"]))["points"] == []
    (hidden,) = (await light_curve(core, target["target_id"], hidden=True))["points"]
    assert (hidden["value"], hidden["hidden"]) == (18.0, True)
    assert len(await core.events("photometry.published", target["target_id"])) == 1


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
    import asyncio

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
    import asyncio

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
        (await answers(core, event.data_product_id))[0]["results"][0]["disposition"]
        for event in events
    ]
    assert sorted(dispositions) == ["copy"] * 4 + ["recorded"]
    assert len((await light_curve(core, target["target_id"]))["points"]) == 1


async def test_revisions_only_grow(core) -> None:
    async with core.database.read() as connection:
        counted = select(point_revisions.c.point_id, func.count().label("n")).group_by(
            point_revisions.c.point_id
        )
        rows = dict((await connection.execute(counted)).all())
        kept = (await connection.execute(select(points))).all()
    assert {point.point_id: point.revision_count for point in kept} == rows
