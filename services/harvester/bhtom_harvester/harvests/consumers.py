"""What the harvester does when core says that a target changed."""

from collections.abc import Iterable
from datetime import UTC, datetime

from bhtom_contracts.events.targets import TargetChanged
from bhtom_harvester.harvests.jobs import HARVEST, harvest_job
from bhtom_harvester.harvests.store import schedule, target_of, update_harvest
from bhtom_harvester.tables import targets
from bhtom_runtime.replicas import apply_snapshot
from bhtom_runtime.service import Received, Subscription
from bhtom_runtime.unit_of_work import UnitOfWork

__all__ = ["HARVEST", "target_subscription"]


def may_be_harvested(target: TargetChanged) -> bool:
    """A private target goes to outside archives only by its owner's choice."""
    return target.deleted_at is None and target.archives_allowed


def target_subscription(sources: Iterable[str]) -> Subscription:
    """Keeps targets, and asks every source about new and changed ones."""
    names = tuple(sources)

    async def on_target(unit: UnitOfWork, event: Received) -> None:
        target = event.payload
        assert isinstance(target, TargetChanged)  # noqa: S101 - narrows the type
        before = await target_of(unit.connection, target.target_id)
        values = {
            "target_id": target.target_id,
            "epoch": event.envelope.epoch,
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
        if not await apply_snapshot(unit, targets, values, keys=("target_id",)):
            return
        what_counts = ("name", "aliases", "ra", "dec", "archives_allowed")
        changed = before is None or any(
            getattr(before, field) != values[field] for field in what_counts
        )
        for source in names:
            if not may_be_harvested(target):
                stopped = {"state": "stopped", "next_at": None}
                await update_harvest(unit, target.target_id, source, stopped)
            elif changed:
                await schedule(unit, target.target_id, source, datetime.now(UTC))
                await unit.enqueue(harvest_job(target.target_id, source))

    return Subscription(TargetChanged, on_target)
