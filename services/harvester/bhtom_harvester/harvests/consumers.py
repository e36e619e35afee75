"""What the harvester does when core says that a target changed."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from bhtom_contracts.events.targets import TargetChanged
from bhtom_harvester.harvests.domain import wanted_of
from bhtom_harvester.harvests.store import (
    harvest_job,
    schedule,
    stop_harvest,
    target_of,
)
from bhtom_harvester.tables import targets
from bhtom_runtime.replicas import apply_snapshot
from bhtom_runtime.service import Received, Subscription
from bhtom_runtime.unit_of_work import UnitOfWork


def target_subscription(sources: Iterable[str]) -> Subscription:
    """Keeps targets, and asks every source about new and changed ones."""
    names = tuple(sources)

    async def on_target(unit: UnitOfWork, event: Received) -> None:
        target = event.payload
        assert isinstance(target, TargetChanged)  # noqa: S101 - narrows the type
        values = _replica(target, event.envelope.epoch)
        before = await target_of(unit.connection, target.target_id)
        if before is not None and _version(before) >= _version(values):
            return
        wanted = wanted_of(values)
        is_new = wanted is not None and wanted != wanted_of(before)
        if is_new:
            # Before the rows below: a job's end locks in this order as well.
            for source in names:
                await unit.enqueue(harvest_job(target.target_id, source))
        if not await apply_snapshot(unit, targets, values, keys=("target_id",)):
            return
        for source in names:
            if wanted is None:
                await stop_harvest(unit, target.target_id, source)
            elif is_new:
                await schedule(unit, target.target_id, source, datetime.now(UTC))

    return Subscription(TargetChanged, on_target)


def _version(target: Any) -> tuple[int, int]:
    return target["epoch"], target["aggregate_version"]


def _replica(target: TargetChanged, epoch: int) -> dict[str, Any]:
    return {
        "target_id": target.target_id,
        "epoch": epoch,
        "aggregate_version": target.aggregate_version,
        "name": target.name,
        "aliases": list(target.aliases),
        "ra": target.position.ra,
        "dec": target.position.dec,
        "owner_id": target.owner_id,
        "visibility": target.visibility,
        "embargo_until": target.embargo_until,
        "archives_allowed": target.archives_allowed,
        "deleted_at": target.deleted_at,
    }
