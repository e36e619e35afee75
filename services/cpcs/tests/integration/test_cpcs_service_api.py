"""Who may read calibrations and plots, and what they get."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openapi_spec_validator import validate

from bhtom_contracts.outcomes import Outcome
from bhtom_cpcs.calibrations import service
from bhtom_cpcs.calibrations.reduced import (
    FinishedReduction,
    KeptFiles,
    ReducedFrame,
    stated_plane,
)
from bhtom_cpcs.main import SERVICE
from bhtom_cpcs.testing import TARGET_OWNER, Cpcs, request_for, target_snapshot
from bhtom_runtime.run import build_application
from bhtom_runtime.testing import USERS

SHA = "b" * 64
PNG = b"\x89PNG\r\n\x1a\n not really"
PATH = "/api/v1/calibrations"


async def calibrated(cpcs: Cpcs, number: int, **changes: Any) -> int:
    """Store an answer with a plot; its calibration id."""
    await cpcs.deliver(request_for(SHA, number, **changes))

    async def chunks() -> Any:
        yield PNG

    plot = await cpcs.context.objects.write("calibrations", chunks())
    now = datetime.now(UTC)
    frame = ReducedFrame((stated_plane(Outcome.NO_WCS, "No coordinates."),))
    async with cpcs.context.database.unit_of_work() as uow:
        await service.answer(
            uow,
            10 * number,
            FinishedReduction(frame, (KeptFiles(plot.key),), now, now, "1"),
        )
    (event,) = await cpcs.events(number)
    return int(event["calibration_id"])


async def status(cpcs: Cpcs, calibration: int, who: str | None) -> int:
    headers = cpcs.headers(who) if who else {}
    plain = await cpcs.client.get(f"{PATH}/{calibration}", headers=headers)
    plot = await cpcs.client.get(f"{PATH}/{calibration}/plot.png", headers=headers)
    listed = await cpcs.client.get(PATH, headers=headers)
    found = calibration in [i["calibration_id"] for i in listed.json()["items"]]
    assert plain.status_code == plot.status_code == (200 if found else 404)
    return plain.status_code


async def test_a_calibration_with_its_plot(cpcs: Cpcs) -> None:
    await cpcs.deliver(target_snapshot())
    number = await calibrated(cpcs, 100)
    answer = await cpcs.client.get(
        PATH, params={"data_product_id": 100}, headers=cpcs.headers("owner")
    )
    (item,) = answer.json()["items"]
    assert item["calibration_id"] == number
    assert item["outcome"] == "no_wcs"
    assert item["advice"].startswith("Solve the frame")
    assert item["has_plot"]
    assert item["result"]["message"] == "No coordinates."
    assert item["inputs"]["camera"]["camera_version"] == 2
    assert item["inputs"]["target"]["position"]["ra"] == 150.0
    plot = await cpcs.client.get(item["links"]["plot"])
    assert plot.content == PNG
    assert plot.headers["content-type"] == "image/png"
    again = await cpcs.client.get(
        item["links"]["plot"], headers={"If-None-Match": plot.headers["etag"]}
    )
    assert again.status_code == 304
    key = plot.headers["etag"].strip('"')
    by_hash = await cpcs.client.get(f"{PATH}/{key}/plot.png")
    assert by_hash.status_code == 422


async def test_public_calibrations_are_for_everybody(cpcs: Cpcs) -> None:
    await cpcs.deliver(target_snapshot())
    number = await calibrated(cpcs, 101)
    for who in (None, "other", "owner", "admin"):
        assert await status(cpcs, number, who) == 200


@pytest.mark.parametrize("visibility", ["private", "groups"])
async def test_private_ones_are_for_the_owner_and_administrators(
    cpcs: Cpcs, visibility: str
) -> None:
    await cpcs.deliver(target_snapshot())
    number = await calibrated(
        cpcs, 102 if visibility == "private" else 103, visibility=visibility
    )
    assert await status(cpcs, number, None) == 404
    assert await status(cpcs, number, "other") == 404
    assert await status(cpcs, number, "owner") == 200
    assert await status(cpcs, number, "admin") == 200


async def test_an_embargo_ends(cpcs: Cpcs) -> None:
    await cpcs.deliver(target_snapshot())
    now = datetime.now(UTC)
    held = await calibrated(cpcs, 104, embargo_until=now + timedelta(days=1))
    over = await calibrated(cpcs, 105, embargo_until=now - timedelta(days=1))
    assert await status(cpcs, held, "other") == 404
    assert await status(cpcs, held, "owner") == 200
    assert await status(cpcs, over, "other") == 200


async def test_a_private_target_hides_public_frames_of_it(cpcs: Cpcs) -> None:
    target = request_for(SHA, 1).target.model_copy(update={"target_id": 12})
    secret = {"target_id": 12, "visibility": "private"}
    number = await calibrated(cpcs, 106, target=target)
    # As long as core has not said who may see the target, only the owner may.
    assert await status(cpcs, number, "other") == 404
    await cpcs.deliver(target_snapshot(**secret))
    assert await status(cpcs, number, "other") == 404
    assert await status(cpcs, number, None) == 404
    assert await status(cpcs, number, "owner") == 200
    mine = {**secret, "aggregate_version": 2, "owner_id": USERS["other"]}
    await cpcs.deliver(target_snapshot(**mine))
    assert await status(cpcs, number, "other") == 200
    # An old snapshot that comes late changes nothing.
    await cpcs.deliver(target_snapshot(**secret, owner_id=TARGET_OWNER))
    assert await status(cpcs, number, "other") == 200


async def test_pages_from_the_newest_on(cpcs: Cpcs) -> None:
    await cpcs.deliver(target_snapshot())
    made = [await calibrated(cpcs, number) for number in range(110, 115)]
    found: list[int] = []
    cursor = None
    for _ in range(10):
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = await cpcs.client.get(
            PATH, params=params, headers=cpcs.headers("admin")
        )
        page = answer.json()
        found += [item["calibration_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None or len(found) > 5:
            break
    assert found[:5] == made[::-1]
    bad = await cpcs.client.get(PATH, params={"cursor": "nonsense"})
    assert bad.status_code == 422


async def test_an_invalid_token_is_refused_not_taken_for_nobody(cpcs: Cpcs) -> None:
    answer = await cpcs.client.get(PATH, headers={"Authorization": "Token short"})
    assert answer.status_code == 401


async def test_nothing_imported_is_an_empty_list(cpcs: Cpcs) -> None:
    answer = await cpcs.client.get("/api/v1/reference-catalogues")
    assert answer.json() == {"items": [], "next_cursor": None}


def test_the_openapi_document_is_valid(cpcs: Cpcs) -> None:
    app = build_application(SERVICE, cpcs.context, cpcs.parts)
    validate(app.openapi())
