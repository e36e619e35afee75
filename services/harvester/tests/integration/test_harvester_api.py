"""Who may see and start harvests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openapi_spec_validator import validate

from bhtom_harvester.main import SERVICE
from bhtom_harvester.testing import SOURCE, Harvester, headers, target_snapshot
from bhtom_runtime.run import build_application

TOMORROW = datetime.now(UTC) + timedelta(days=1)


async def listed(harvester: Harvester, target_id: int, who: str) -> list[Any]:
    answer = await harvester.client.get(
        "/api/v1/harvests", params={"target_id": target_id}, headers=headers(who)
    )
    assert answer.status_code == 200
    return list(answer.json()["items"])


@pytest.mark.parametrize(
    "hidden",
    [
        {"visibility": "private"},
        {"visibility": "groups"},
        {"embargo_until": TOMORROW},
    ],
)
async def test_hidden_targets_are_for_their_owners_and_administrators(
    harvester: Harvester, hidden: dict[str, Any]
) -> None:
    await harvester.deliver(target_snapshot(1, **hidden))
    assert await listed(harvester, 1, "other") == []
    assert (await harvester.ask_now(1, "other")).status_code == 404
    for who in ("owner", "admin"):
        (item,) = await listed(harvester, 1, who)
        assert (item["source"], item["state"]) == (SOURCE, "scheduled")
        assert (await harvester.ask_now(1, who)).status_code == 202
    # Hidden and missing look the same.
    missing = await harvester.ask_now(99, "other")
    hidden_one = await harvester.ask_now(1, "other")
    assert missing.json()["detail"].replace("99", "1") == hidden_one.json()["detail"]


async def test_public_targets_are_for_everybody_who_signed_in(
    harvester: Harvester,
) -> None:
    await harvester.deliver(target_snapshot(1))
    await harvester.work()
    (item,) = await listed(harvester, 1, "other")
    assert item["state"] == "nothing"
    assert "content_hash" not in item
    assert (await harvester.ask_now(1, "other")).status_code == 202
    for path in ("/api/v1/sources", "/api/v1/harvests?target_id=1"):
        assert (await harvester.client.get(path)).status_code == 401


async def test_deleted_targets_are_gone(harvester: Harvester) -> None:
    await harvester.deliver(target_snapshot(1))
    await harvester.deliver(target_snapshot(1, 2, deleted_at=datetime.now(UTC)))
    assert await listed(harvester, 1, "owner") == []
    assert (await harvester.ask_now(1)).status_code == 404


async def test_asking_twice_asks_once(harvester: Harvester) -> None:
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    for _ in range(3):
        assert (await harvester.ask_now(1)).status_code == 202
    assert await harvester.job_count() == 1


async def test_nonsense_is_refused(harvester: Harvester) -> None:
    for target_id in (0, -1, 2**63):
        answer = await harvester.client.get(
            "/api/v1/harvests",
            params={"target_id": target_id},
            headers=headers("owner"),
        )
        assert answer.status_code == 422
        assert (await harvester.ask_now(target_id)).status_code == 422
    unknown = await harvester.client.post(
        "/api/v1/harvests",
        json={"target_id": 1, "source": "nowhere"},
        headers=headers("owner"),
    )
    assert unknown.status_code == 404


async def test_a_source_that_was_not_asked_says_so(harvester: Harvester) -> None:
    source = await harvester.source()
    assert (source["source"], source["state"]) == (SOURCE, "idle")
    assert source["host"] == "127.0.0.1"


def test_the_openapi_document_is_valid(harvester: Harvester) -> None:
    app = build_application(SERVICE, harvester.context, harvester.parts)
    validate(app.openapi())
