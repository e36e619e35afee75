"""The one place that changes a data product's state, and tells of it."""

from typing import Any

from sqlalchemy import func, update

from bhtom_contracts.events.frames import DataProductChanged
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.data_products import store
from bhtom_upload.data_products.domain import Standing, State, transition
from bhtom_upload.data_products.store import Product
from bhtom_upload.data_products.tables import data_products


async def move(
    unit: UnitOfWork,
    product: Product,
    standing: Standing,
    *,
    stage: str,
    message: str,
    **changed: Any,
) -> Product:
    """Bring a locked product to a standing, write the stage and tell the others.

    `changed` are columns that change with it.
    """
    following = transition(product.state, standing.state)
    values: dict[str, Any] = {
        "state": following,
        "outcome": standing.outcome,
        "message": standing.message,
        "aggregate_version": data_products.c.aggregate_version + 1,
        "modified_at": func.now(),
        "deleted_at": func.now() if following is State.DELETED else None,
    }
    if following is not product.state or changed:
        values |= {"awaiting_since": func.now(), "redrive_count": 0}
    row = (
        await unit.execute(
            update(data_products)
            .where(data_products.c.data_product_id == product.data_product_id)
            .values(**values, **changed)
            .returning(data_products)
        )
    ).one()
    moved = store.product_of(row, product.size_bytes)
    await store.add_stage(unit, moved, stage, message)
    unit.emit(snapshot_of(moved))
    return moved


def snapshot_of(product: Product) -> DataProductChanged:
    """The product as the other services know it."""
    row = product.row
    return DataProductChanged(
        aggregate_version=row.aggregate_version,
        deleted_at=row.deleted_at,
        data_product_id=product.data_product_id,
        kind=row.kind,
        state=product.state.value,
        outcome=product.standing.outcome,
        message=product.standing.message,
        owner_id=row.owner_id,
        observers=tuple(row.observers),
        target_id=row.target_id,
        camera_id=row.camera_id,
        dry_run=row.dry_run,
        file_name=row.file_name,
        sha256=row.sha256,
        size_bytes=product.size_bytes,
        visibility=row.visibility,
        embargo_until=row.embargo_until,
        created_at=row.created_at,
    )
