"""Points that people hide, and show again."""

import orjson

from bhtom_contracts.flags import PointFlag
from bhtom_core.testing import calibrated, measurement


async def test_hiding_needs_a_reason_and_a_right(core) -> None:
    ada, eve = await core.person("ada"), await core.person("eve")
    bob, root = await core.person("bob"), await core.person("root", admin=True)
    target = await core.target(ada)
    event = calibrated(eve.user_id, measurement(target["target_id"]))
    await core.handle(event)
    (point,) = (await core.light_curve(target["target_id"]))["points"]
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
            assert (await core.light_curve(target["target_id"]))["points"] == []
            shown = await core.light_curve(target["target_id"], hidden=True)
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
    (point,) = (await core.light_curve(target["target_id"]))["points"]
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
    assert (await core.light_curve(target["target_id"]))["points"] == []
    (hidden,) = (await core.light_curve(target["target_id"], hidden=True))["points"]
    assert (hidden["value"], hidden["hidden"]) == (18.0, True)
    assert len(await core.events("photometry.published", target["target_id"])) == 1


async def test_a_poor_calibration_is_shown_on_request_only(core) -> None:
    ada = await core.person("ada")
    target = await core.target(ada)
    target_id = target["target_id"]
    good = calibrated(ada.user_id, measurement(target_id, 17.0))
    doubtful = measurement(target_id, 15.0).model_copy(
        update={"flags": int(PointFlag.POOR_ZERO_POINT | PointFlag.BLENDED)}
    )
    later = good.time.model_copy(
        update={"mid_exposure_mjd": good.time.mid_exposure_mjd + 1}
    )
    poor = calibrated(ada.user_id, doubtful).model_copy(update={"time": later})
    await core.handle(good)
    await core.handle(poor)
    shown = await core.light_curve(target_id)
    assert [point["value"] for point in shown["points"]] == [17.0]
    assert shown["left_out"] == {"hidden": 0, "poor": 1}
    everything = await core.light_curve(target_id, hidden=True)
    assert [point["value"] for point in everything["points"]] == [17.0, 15.0]
    assert everything["left_out"] == {"hidden": 0, "poor": 0}
    assert not any(point["hidden"] for point in everything["points"])
    async with core.client() as client:
        summary = (await client.get(f"/api/v1/targets/{target_id}")).json()
        curve = f"/api/v1/targets/{target_id}/light-curve"
        slim = await client.get(f"{curve}/columns", params={"hidden": True})
        lines = await client.get(f"{curve}.ndjson")
        table = await client.get(f"{curve}.csv")
    assert slim.json()["columns"]["magnitude"] == [17.0, 15.0]
    assert [flag["poor"] for flag in slim.json()["flags"]] == [False, True]
    assert [orjson.loads(line) for line in lines.content.splitlines()] == (
        shown["points"]
    )
    assert table.headers["left-out"] == "hidden=0, poor=1"
    assert summary["light_curve"]["last_magnitude"] == 17.0
