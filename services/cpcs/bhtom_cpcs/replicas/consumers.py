"""Keeps the replicas: whatever is not newer changes nothing."""

from bhtom_contracts.events.cameras import CameraChanged
from bhtom_contracts.events.targets import TargetChanged
from bhtom_cpcs.replicas.tables import CAMERAS, TARGETS
from bhtom_runtime.replicas import apply_snapshot
from bhtom_runtime.service import Received, Subscription
from bhtom_runtime.unit_of_work import UnitOfWork


async def keep_target(uow: UnitOfWork, event: Received) -> None:
    """Take a target's snapshot."""
    target = event.payload
    assert isinstance(target, TargetChanged)  # noqa: S101 - narrows the type
    values = {
        "target_id": target.target_id,
        "epoch": event.envelope.epoch,
        "aggregate_version": target.aggregate_version,
        "name": target.name,
        "ra": target.position.ra,
        "dec": target.position.dec,
        "owner_id": target.owner_id,
        "visibility": target.visibility,
        "embargo_until": target.embargo_until,
        "deleted_at": target.deleted_at,
    }
    await apply_snapshot(uow, TARGETS, values, keys=("target_id",))


async def keep_camera(uow: UnitOfWork, event: Received) -> None:
    """Take a camera's snapshot."""
    changed = event.payload
    assert isinstance(changed, CameraChanged)  # noqa: S101 - narrows the type
    values = {
        "camera_id": changed.camera.camera_id,
        "epoch": event.envelope.epoch,
        "aggregate_version": changed.aggregate_version,
        "camera_version": changed.camera.camera_version,
        "oname": changed.camera.oname,
        "owner_id": changed.owner_id,
        "active": changed.active,
        "deleted_at": changed.deleted_at,
    }
    await apply_snapshot(uow, CAMERAS, values, keys=("camera_id",))


SUBSCRIPTIONS = (
    Subscription(TargetChanged, keep_target),
    Subscription(CameraChanged, keep_camera),
)
