"""Keeps the replicas: whatever is not newer changes nothing."""

from sqlalchemy import select

from bhtom_contracts.events.cameras import CameraChanged
from bhtom_contracts.events.frames import DataProductChanged
from bhtom_contracts.events.targets import TargetChanged
from bhtom_cpcs.decisions.service import reconsider_product
from bhtom_cpcs.replicas.tables import CAMERAS, DATA_PRODUCTS, TARGETS
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


async def keep_data_product(uow: UnitOfWork, event: Received) -> None:
    """Take a product's snapshot; what it told counts as long as it is there."""
    product = event.payload
    assert isinstance(product, DataProductChanged)  # noqa: S101 - narrows the type
    table, product_id = DATA_PRODUCTS, product.data_product_id
    known = await uow.execute(
        select(table.c.deleted_at).where(table.c.data_product_id == product_id)
    )
    was_deleted = known.scalar_one_or_none() is not None
    values = {
        "data_product_id": product_id,
        "epoch": event.envelope.epoch,
        "aggregate_version": product.aggregate_version,
        "owner_id": product.owner_id,
        "visibility": product.visibility,
        "embargo_until": product.embargo_until,
        "deleted_at": product.deleted_at,
    }
    is_news = await apply_snapshot(uow, table, values, keys=("data_product_id",))
    if is_news and was_deleted != (product.deleted_at is not None):
        await reconsider_product(uow, product_id)


SUBSCRIPTIONS = (
    Subscription(TargetChanged, keep_target),
    Subscription(CameraChanged, keep_camera),
    Subscription(DataProductChanged, keep_data_product),
)
