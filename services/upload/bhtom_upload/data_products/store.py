"""Queries on data products and the stages of their history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Interval,
    Row,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_contracts.outcomes import Outcome
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.data_products.domain import (
    Standing,
    State,
)
from bhtom_upload.data_products.tables import (
    data_product_events,
    data_products,
    files,
)


@dataclass(frozen=True, slots=True)
class Product:
    """A data product whose row this transaction holds."""

    data_product_id: int
    standing: Standing
    request_order: int
    size_bytes: int
    row: Row[Any]

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.standing.state


def standing_in(row: Row[Any]) -> Standing:
    """Where the product of a row stands."""
    outcome = None if row.outcome is None else Outcome(row.outcome)
    return Standing(State(row.state), row.message, outcome)


def product_of(row: Row[Any], size_bytes: int) -> Product:
    """A product from its row and the size of its file."""
    return Product(
        data_product_id=row.data_product_id,
        standing=standing_in(row),
        request_order=row.request_order,
        size_bytes=size_bytes,
        row=row,
    )


async def lock_product(unit: UnitOfWork, data_product_id: int) -> Product | None:
    """The product, its row locked until the transaction ends."""
    row = (
        await unit.execute(
            select(data_products, files.c.size_bytes)
            .join(files, files.c.sha256 == data_products.c.sha256)
            .where(data_products.c.data_product_id == data_product_id)
            .with_for_update(of=data_products)
        )
    ).one_or_none()
    return None if row is None else product_of(row, row.size_bytes)


async def add_stage(
    unit: UnitOfWork,
    product: Product,
    stage: str,
    message: str,
    *,
    at: datetime | None = None,
) -> None:
    """Write a line of the product's history; streams tell of it at commit."""
    values: dict[str, Any] = {
        "data_product_id": product.data_product_id,
        "owner_id": product.row.owner_id,
        "stage": stage,
        "state": product.state,
        "message": message,
    }
    if at is not None:
        values["at"] = at
    await unit.execute(insert(data_product_events).values(**values))
    unit.wake()


async def lock_overdue(
    unit: UnitOfWork, state: State, after: timedelta, limit: int
) -> Sequence[int]:
    """Products that stay too long in a state, the longest waiting first.

    Each time that they are asked for again doubles their patience, up to 64-fold.
    """
    statement = (
        select(data_products.c.data_product_id)
        .where(*_is_overdue(state, after))
        .order_by(data_products.c.awaiting_since)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await unit.execute(statement)).scalars().all()


async def count_overdue(
    connection: AsyncConnection, state: State, after: timedelta
) -> int:
    """How many products stay too long in a state."""
    statement = select(func.count()).where(
        data_products.c.state == state,
        data_products.c.awaiting_since < func.now() - literal(after, Interval()),
    )
    return (await connection.execute(statement)).scalar_one()


def _is_overdue(state: State, after: timedelta) -> tuple[ColumnElement[bool], ...]:
    since = data_products.c.awaiting_since
    doublings = func.least(data_products.c.redrive_count, 6)
    seconds = func.power(2.0, doublings, type_=Float()) * after.total_seconds()
    patience = func.make_interval(0, 0, 0, 0, 0, 0, seconds, type_=Interval())
    return (
        data_products.c.state == state,
        since < func.now() - literal(after, Interval()),
        since < func.now() - patience,
    )
