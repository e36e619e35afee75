"""Archives hear nothing of targets that their owners keep from them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bhtom_harvester.testing import Harvester, Reply, target_snapshot

CLOSED: dict[str, Any] = {"archives_allowed": False, "visibility": "private"}
NOW = datetime.now(UTC)


async def test_a_closed_target_is_never_asked_about(harvester: Harvester) -> None:
    await harvester.deliver(target_snapshot(1, name="Gaia21een", **CLOSED))
    await harvester.deliver(target_snapshot(2, name="Gaia21een", deleted_at=NOW))
    assert await harvester.job_count() == 0
    refused = await harvester.ask_now(1)
    assert refused.status_code == 403
    await harvester.schedule()
    await harvester.work()
    assert harvester.archive.asked == []
    assert await harvester.harvest(1) is None


@pytest.mark.parametrize("change", [CLOSED, {"deleted_at": NOW}])
async def test_a_target_that_is_closed_stops(
    harvester: Harvester, change: dict[str, Any]
) -> None:
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    await harvester.deliver(target_snapshot(1, 2, name="Gaia21een", **change))
    # The job was there already; it finds the target closed.
    assert await harvester.work() == ["done"]
    assert harvester.archive.asked == []
    row = await harvester.harvest(1)
    assert (row.state, row.next_at) == ("stopped", None)
    # The owner thinks better of it.
    await harvester.deliver(target_snapshot(1, 3, name="Gaia21een"))
    assert await harvester.work() == ["done"]
    assert len(await harvester.events(1)) == 1


@pytest.mark.parametrize("change", [CLOSED, {"deleted_at": NOW}])
@pytest.mark.parametrize("status", [200, 503, 500, 302])
async def test_one_that_is_closed_while_the_archive_answers_stays_stopped(
    harvester: Harvester, change: dict[str, Any], status: int
) -> None:
    archive = harvester.archive
    if status != 200:
        archive.first = [Reply(status=status)] * 3
    await harvester.deliver(target_snapshot(1, name="Gaia21een"))
    job = await harvester.claimed()
    effect = await harvester.kinds["harvest"].run(job)
    await harvester.deliver(target_snapshot(1, 2, name="Gaia21een", **change))
    await harvester.take_effect(effect)
    row = await harvester.harvest(1)
    assert (row.state, row.next_at) == ("stopped", None)
    assert await harvester.events(1) == []
