"""Decisions for readers, and a person's word on them."""

from typing import Any

import pytest

from bhtom_contracts.events.cameras import CameraChanged
from bhtom_contracts.events.frames import FitsUploaded
from bhtom_cpcs.decisions.service import place_target, settle_filter, take_evidence
from bhtom_cpcs.decisions.store import FilterKey
from bhtom_cpcs.testing import (
    BEGIN,
    Cpcs,
    calibrated_result,
    request_for,
    target_snapshot,
)
from bhtom_runtime.testing import USERS

PLACE = "/api/v1/calibrations/decisions"


async def add_camera(cpcs: Cpcs, camera_id: int) -> None:
    pin = request_for("a" * 64, 1).camera.model_copy(update={"camera_id": camera_id})
    await cpcs.deliver(
        CameraChanged(
            aggregate_version=1,
            camera=pin,
            observatory_id=1,
            camera_name="CCD",
            owner_id=USERS["owner"],
            approval="approved",
            active=True,
            created_at=BEGIN,
            modified_at=BEGIN,
        )
    )


async def add_frames(cpcs: Cpcs, camera_id: int, target_id: int, count: int) -> None:
    for number in range(count):
        asked: FitsUploaded = request_for("a" * 64, 10_000 * camera_id + number)
        asked = asked.model_copy(
            update={
                "camera": asked.camera.model_copy(update={"camera_id": camera_id}),
                "target": asked.target.model_copy(update={"target_id": target_id}),
            }
        )
        plane = calibrated_result(61100.2 + number, target_id=target_id)
        async with cpcs.context.database.unit_of_work() as uow:
            await take_evidence(uow, asked, 1000 + number, plane)
    async with cpcs.context.database.unit_of_work() as uow:
        await settle_filter(uow, FilterKey(camera_id, "R", "GaiaSP/any"))
        await place_target(uow, target_id)


async def rule(cpcs: Cpcs, who: str, camera_id: int, **wanted: Any) -> Any:
    return await cpcs.client.post(
        f"{PLACE}/cameras/{camera_id}/rulings",
        json={"filter_card": "R", "why": "The wheel was turned.", **wanted},
        headers=cpcs.headers(who),
    )


async def test_a_camera_shows_its_bands_with_their_evidence(cpcs: Cpcs) -> None:
    await add_camera(cpcs, 301)
    await add_frames(cpcs, 301, 3001, 5)
    mine = cpcs.headers("owner")
    answer = (await cpcs.client.get(f"{PLACE}/cameras/301", headers=mine)).json()
    (found,) = answer["filters"]
    assert (found["filter_card"], found["version"]) == ("R", 1)
    (band,) = found["bands"]
    assert (band["passband"], band["provisional"]) == ("GaiaSP/r", False)
    assert band["agreeing"] == [1000, 1001, 1002, 1003, 1004]
    assert (await cpcs.client.get(f"{PLACE}/cameras/399")).status_code == 404


async def test_the_owner_forces_settles_clears_and_takes_back(cpcs: Cpcs) -> None:
    await add_camera(cpcs, 302)
    await add_frames(cpcs, 302, 3002, 3)
    force = {"kind": "force", "passband": "GaiaSP/R", "valid_from_mjd": 61102.0}
    assert (await rule(cpcs, "other", 302, **force)).status_code == 403
    forced = await rule(cpcs, "owner", 302, **force)
    assert forced.status_code == 201, forced.text
    (found,) = forced.json()["filters"]
    assert found["version"] == 2
    assert [band["by"] for band in found["bands"]] == ["person", "stars"]
    (ruling,) = forced.json()["rulings"]
    assert (ruling["username"], ruling["why"]) == ("owner", "The wheel was turned.")
    settle = {"kind": "settle", "passband": "GaiaSP/r"}
    settled = (await rule(cpcs, "owner", 302, **settle)).json()
    first = settled["filters"][0]["bands"][0]
    assert (first["passband"], first["provisional"]) == ("GaiaSP/r", False)
    unheard = await rule(cpcs, "owner", 302, kind="force", passband="GaiaSP/q")
    assert unheard.status_code == 422
    assert "GaiaSP/u, GaiaSP/U, GaiaSP/B" in unheard.json()["detail"]
    nowhere = await rule(cpcs, "owner", 302, kind="force", passband="Moon/r")
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "unknown_passband")
    unknown = await rule(cpcs, "owner", 302, kind="settle", passband="GaiaSP/z")
    assert (unknown.status_code, unknown.json()["code"]) == (409, "nothing_proposed")
    cleared = (await rule(cpcs, "owner", 302, kind="clear")).json()
    assert {band["by"] for band in cleared["filters"][0]["bands"]} == {"person"}
    for shown in cleared["rulings"]:
        path = f"{PLACE}/cameras/302/rulings/{shown['ruling_id']}/withdraw"
        back = await cpcs.client.post(path, headers=cpcs.headers("owner"))
        assert back.status_code == 200
        again = await cpcs.client.post(path, headers=cpcs.headers("owner"))
        assert again.status_code == 404
    (band,) = back.json()["filters"][0]["bands"]
    assert (band["by"], band["provisional"]) == ("stars", True)
    assert {row["withdrawn_by"] for row in back.json()["rulings"]} == {"owner"}


async def test_a_filter_can_be_forced_before_its_first_frame(cpcs: Cpcs) -> None:
    await add_camera(cpcs, 303)
    forced = await rule(cpcs, "admin", 303, kind="force", passband="GaiaSP/V")
    (found,) = forced.json()["filters"]
    assert found["bands"][0]["passband"] == "GaiaSP/V"


@pytest.mark.parametrize(
    "wanted",
    [
        {"kind": "force"},
        {"kind": "clear", "passband": "GaiaSP/r"},
        {"kind": "force", "passband": "r"},
        {"kind": "force", "passband": "GaiaSP/r", "why": ""},
        {
            "kind": "force",
            "passband": "GaiaSP/r",
            "valid_from_mjd": 5.0,
            "valid_until_mjd": 5.0,
        },
        {"kind": "clear", "filter_card": "R\0"},
        {"kind": "clear", "typo": 1},
    ],
)
async def test_a_ruling_that_says_nothing_clear_is_refused(
    cpcs: Cpcs, wanted: dict[str, Any]
) -> None:
    await add_camera(cpcs, 304)
    refused = await rule(cpcs, "owner", 304, **wanted)
    assert refused.status_code == 422, refused.text


async def test_a_targets_decisions_are_for_those_who_may_see_it(cpcs: Cpcs) -> None:
    await add_frames(cpcs, 305, 3005, 3)
    path = f"{PLACE}/targets/3005"
    assert (await cpcs.client.get(path)).status_code == 404
    mine = {"target_id": 3005, "owner_id": USERS["owner"], "visibility": "private"}
    await cpcs.deliver(target_snapshot(**mine))
    assert (await cpcs.client.get(path)).status_code == 404
    other = await cpcs.client.get(path, headers=cpcs.headers("other"))
    assert other.status_code == 404
    shown = (await cpcs.client.get(path, headers=cpcs.headers("owner"))).json()
    assert shown["mean_position"]["n_frames"] == 3
    assert shown["scene"] is None
    assert [pin["release"] for pin in shown["catalogue_pins"]] == ["sim+1"]
    public = mine | {"visibility": "public", "aggregate_version": 2}
    await cpcs.deliver(target_snapshot(**public))
    assert (await cpcs.client.get(path)).status_code == 200
