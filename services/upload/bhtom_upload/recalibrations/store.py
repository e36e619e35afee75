"""Queries on re-calibrations and their items."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.data_products.tables import data_products
from bhtom_upload.recalibrations.domain import (
    WORKING,
    ItemState,
    Move,
    State,
    item_moved,
    moved,
)
from bhtom_upload.recalibrations.selection import Changes, Selection, selected
from bhtom_upload.recalibrations.standing import standing_order
from bhtom_upload.recalibrations.tables import recalibration_items, recalibrations


@dataclass(frozen=True, slots=True)
class Campaign:
    """A re-calibration whose row this transaction holds."""

    recalibration_id: int
    state: State
    stopped_from: State | None
    user_id: int
    username: str
    by_admin: bool
    selection: Selection
    changes: Changes
    preview: bool
    collected_until: int


@dataclass(frozen=True, slots=True)
class Item:
    """A product in a re-calibration."""

    data_product_id: int
    state: ItemState
    base_order: int | None
    preview_order: int | None
    record_order: int | None


def _campaign(row: Row[Any]) -> Campaign:
    return Campaign(
        recalibration_id=row.recalibration_id,
        state=State(row.state),
        stopped_from=None if row.stopped_from is None else State(row.stopped_from),
        user_id=row.user_id,
        username=row.username,
        by_admin=row.by_admin,
        selection=Selection.model_validate(row.selection),
        changes=Changes.model_validate(row.changes),
        preview=row.preview,
        collected_until=row.collected_until,
    )


async def insert_campaign(unit: UnitOfWork, values: dict[str, Any]) -> int | None:
    """Write a re-calibration; None when its owner used its key before."""
    statement = (
        upsert(recalibrations)
        .values(**values)
        .on_conflict_do_nothing()
        .returning(recalibrations.c.recalibration_id)
    )
    found: int | None = (await unit.execute(statement)).scalar_one_or_none()
    return found


async def with_key(unit: UnitOfWork, user_id: int, key: str) -> Row[Any]:
    """The re-calibration that a key was used for."""
    statement = select(recalibrations).where(
        recalibrations.c.user_id == user_id, recalibrations.c.idempotency_key == key
    )
    return (await unit.execute(statement)).one()


async def lock(unit: UnitOfWork, recalibration_id: int) -> Campaign | None:
    """A re-calibration, its row locked until the transaction ends."""
    statement = (
        select(recalibrations)
        .where(recalibrations.c.recalibration_id == recalibration_id)
        .with_for_update()
    )
    row = (await unit.execute(statement)).one_or_none()
    return None if row is None else _campaign(row)


async def move(unit: UnitOfWork, campaign: Campaign, how: Move, message: str) -> State:
    """Take a locked re-calibration to its next state: the only writer of it."""
    following = moved(campaign.state, how)
    await unit.execute(
        update(recalibrations)
        .where(recalibrations.c.recalibration_id == campaign.recalibration_id)
        .values(
            state=following,
            stopped_from=campaign.state if following is State.STOPPED else None,
            message=message,
            modified_at=func.now(),
        )
    )
    unit.wake()
    return following


async def collect(unit: UnitOfWork, campaign: Campaign, limit: int) -> int:
    """Add the next products of the selection; how many were found."""
    rows = (
        await unit.execute(
            select(data_products.c.data_product_id)
            .where(
                data_products.c.data_product_id > campaign.collected_until,
                *selected(
                    campaign.selection,
                    user_id=campaign.user_id,
                    by_admin=campaign.by_admin,
                ),
            )
            .order_by(data_products.c.data_product_id)
            .limit(limit)
        )
    ).scalars()
    found = list(rows)
    if found:
        mine = campaign.recalibration_id
        await unit.execute(
            upsert(recalibration_items)
            .values(
                [{"recalibration_id": mine, "data_product_id": one} for one in found]
            )
            .on_conflict_do_nothing()
        )
        await unit.execute(
            update(recalibrations)
            .where(recalibrations.c.recalibration_id == mine)
            .values(collected_until=found[-1])
        )
    return len(found)


async def count(unit: UnitOfWork, recalibration_id: int) -> dict[ItemState, int]:
    """How many items are in each state."""
    items = recalibration_items.c
    statement = (
        select(items.state, func.count().label("n"))
        .where(items.recalibration_id == recalibration_id)
        .group_by(items.state)
    )
    return {ItemState(row.state): row.n for row in await unit.execute(statement)}


async def items_in(
    unit: UnitOfWork,
    recalibration_id: int,
    states: Sequence[ItemState],
    limit: int,
    *conditions: ColumnElement[bool],
) -> list[Item]:
    """Items in certain states, by product."""
    items = recalibration_items.c
    statement = (
        select(recalibration_items)
        .where(
            items.recalibration_id == recalibration_id,
            items.state.in_(states),
            *conditions,
        )
        .order_by(items.data_product_id)
        .limit(limit)
    )
    return [
        Item(
            row.data_product_id,
            ItemState(row.state),
            row.base_order,
            row.preview_order,
            row.record_order,
        )
        for row in await unit.execute(statement)
    ]


async def move_item(
    unit: UnitOfWork,
    recalibration_id: int,
    item: Item,
    following: ItemState,
    message: str = "",
    **changed: Any,
) -> None:
    """Take an item to its next state: the only writer of it."""
    items = recalibration_items.c
    await unit.execute(
        update(recalibration_items)
        .where(
            items.recalibration_id == recalibration_id,
            items.data_product_id == item.data_product_id,
        )
        .values(
            state=item_moved(item.state, following),
            message=message,
            state_changed_at=func.now(),
            **changed,
        )
    )


async def touch(unit: UnitOfWork, recalibration_id: int, data_product_id: int) -> None:
    """Remember that a product was asked for again."""
    items = recalibration_items.c
    await unit.execute(
        update(recalibration_items)
        .where(
            items.recalibration_id == recalibration_id,
            items.data_product_id == data_product_id,
        )
        .values(asked_at=func.now())
    )


async def newest_measured(unit: UnitOfWork, data_product_id: int) -> int | None:
    """The recorded request whose values stand for a product now."""
    statement = select(standing_order(data_product_id))
    found: int | None = (await unit.execute(statement)).scalar_one()
    return found


async def working(unit: UnitOfWork) -> Sequence[int]:
    """Re-calibrations that have steps to make."""
    statement = (
        select(recalibrations.c.recalibration_id)
        .where(recalibrations.c.state.in_(WORKING))
        .order_by(recalibrations.c.recalibration_id)
    )
    return (await unit.execute(statement)).scalars().all()


async def count_working(unit: UnitOfWork, user_id: int) -> int:
    """How many re-calibrations of a person have steps to make."""
    statement = select(func.count()).where(
        recalibrations.c.user_id == user_id, recalibrations.c.state.in_(WORKING)
    )
    return int((await unit.execute(statement)).scalar_one())
