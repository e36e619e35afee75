"""Frames are calibrated again: previewed, accepted, and never a point more."""

import time
from typing import Any

from bhtom_local.api_client import ApiClient
from tests.field import Field

FRAMES = 6
FIRST = 3000
PATIENCE_S = 240.0


def until(admin: ApiClient, number: int, *states: str) -> Any:
    """The re-calibration, once it is in one of the states."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = admin.get(f"/api/v1/recalibrations/{number}")
        if found["state"] in states:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def new_values(admin: ApiClient, number: int) -> dict[int, Any]:
    """What the re-calibration found, by product."""
    items = admin.get(f"/api/v1/recalibrations/{number}/items")["items"]
    return {item["data_product_id"]: item["pairs"][0]["new"] for item in items}


def test_a_recalibration_records_what_its_preview_showed(
    admin: ApiClient, field: Field
) -> None:
    sent = [field.upload(admin, frame) for frame in field.frames(FRAMES, FIRST)]
    products = {one["data_product_id"] for one in sent}
    ended = admin.wait_for(sorted(products))
    assert {one["outcome"] for one in ended.values()} == {"calibrated"}
    curve = f"/api/v1/targets/{field.target['target_id']}/light-curve"
    before = {p["point_id"]: p for p in admin.get(curve)["points"]}
    mine = [p for p in before.values() if p["data_product_id"] in products]
    times = sorted(point["mjd"] for point in mine)
    wish: dict[str, Any] = {
        "selection": {
            "camera_id": field.camera["camera_id"],
            "from_mjd": times[0],
            "until_mjd": times[-1] + 1e-6,
        },
        "idempotency_key": "e2e",
    }
    asked = admin.post("/api/v1/recalibrations", json=wish)
    number = asked["recalibration_id"]
    again = admin.post("/api/v1/recalibrations", json=wish)
    assert again["recalibration_id"] == number
    previewed = until(admin, number, "previewed", "failed", "done")
    assert previewed["state"] == "previewed"
    assert previewed["summary"]["pairs"] == FRAMES
    shown = new_values(admin, number)
    assert {p["point_id"]: p for p in admin.get(curve)["points"]} == before
    admin.post(f"/api/v1/recalibrations/{number}/accept")
    done = until(admin, number, "done")
    assert done["counts"] == {"done": FRAMES}
    _many_frames_have_decided(admin, field)
    # The same inputs and decisions give the same numbers, to the last bit.
    assert new_values(admin, number) == shown
    after = {p["point_id"]: p for p in admin.get(curve)["points"]}
    assert after.keys() == before.keys()
    for point in mine:
        details = admin.get(f"/api/v1/points/{point['point_id']}")
        assert len(details["revisions"]) == 2
        now = after[point["point_id"]]
        assert now["value"] == shown[point["data_product_id"]]["magnitude"]


def _many_frames_have_decided(admin: ApiClient, field: Field) -> None:
    here = "/api/v1/calibrations/decisions"
    of_camera = admin.get(f"{here}/cameras/{field.camera['camera_id']}")
    bands = [band for card in of_camera["filters"] for band in card["bands"]]
    assert "Simulated/r" in {band["passband"] for band in bands}
    of_target = admin.get(f"{here}/targets/{field.target['target_id']}")
    assert {pin["catalogue"] for pin in of_target["catalogue_pins"]} == {"Simulated"}
