"""Reads re-calibrations for those who asked for them, and for administrators."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import NotFound
from bhtom_upload.data_products.tables import data_products, planes
from bhtom_upload.recalibrations.comparing import Pair, Value
from bhtom_upload.recalibrations.domain import MOVES, ItemState, Move, State
from bhtom_upload.recalibrations.schemas import (
    ItemOut,
    PairOut,
    PlaneAnswerOut,
    RecalibrationOut,
)
from bhtom_upload.recalibrations.summarising import COMPARED_STATES, NEW_ORDER, summary
from bhtom_upload.recalibrations.tables import (
    plane_measurements,
    recalibration_items,
    recalibrations,
)

_STEPS_OF_PEOPLE = (
    ("accept", Move.ACCEPT, State.PREVIEWED),
    ("stop", Move.STOP, None),
    ("discard", Move.DISCARD, None),
)


def seen_by(caller: Principal) -> ColumnElement[bool]:
    """One's own; an administrator sees all."""
    if caller.allows("admin"):
        return true()
    return recalibrations.c.user_id == caller.user_id


async def find(
    connection: AsyncConnection, caller: Principal, recalibration_id: int
) -> Row[Any]:
    """A re-calibration that the caller may see."""
    row = (
        await connection.execute(
            select(recalibrations).where(
                recalibrations.c.recalibration_id == recalibration_id, seen_by(caller)
            )
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no re-calibration {recalibration_id} of yours.")
    return row


async def shown(
    connection: AsyncConnection, rows: Sequence[Row[Any]]
) -> list[RecalibrationOut]:
    """Re-calibrations with the counts of their items."""
    counts: dict[int, dict[ItemState, int]] = defaultdict(dict)
    items = recalibration_items.c
    statement = (
        select(items.recalibration_id, items.state, func.count().label("n"))
        .where(items.recalibration_id.in_([row.recalibration_id for row in rows]))
        .group_by(items.recalibration_id, items.state)
    )
    for row in await connection.execute(statement) if rows else ():
        counts[row.recalibration_id][ItemState(row.state)] = row.n
    return [_out(row, counts[row.recalibration_id]) for row in rows]


def _out(row: Row[Any], counts: dict[ItemState, int]) -> RecalibrationOut:
    state = State(row.state)
    can = [
        name
        for name, move, only_from in _STEPS_OF_PEOPLE
        if (state, move) in MOVES and only_from in (None, state)
    ]
    if state is State.STOPPED:
        can.append("resume")
    return RecalibrationOut(
        recalibration_id=row.recalibration_id,
        username=row.username,
        selection=row.selection,
        changes=row.changes,
        preview=row.preview,
        state=state,
        message=row.message,
        counts=counts,
        can=can,
        created_at=row.created_at,
        modified_at=row.modified_at,
    )


async def with_summary(connection: AsyncConnection, row: Row[Any]) -> RecalibrationOut:
    """A re-calibration with all its differences in a few figures."""
    (one,) = await shown(connection, [row])
    found = await summary(connection, row.recalibration_id)
    return one.model_copy(update={"summary": found})


async def page_of_items(
    connection: AsyncConnection, recalibration_id: int, after: int, limit: int
) -> list[ItemOut]:
    """Products by number, with what stood and what comes."""
    items = recalibration_items.c
    statement = (
        select(recalibration_items, data_products.c.file_name)
        .join(data_products, data_products.c.data_product_id == items.data_product_id)
        .where(
            items.recalibration_id == recalibration_id, items.data_product_id > after
        )
        .order_by(items.data_product_id)
        .limit(limit)
    )
    rows = (await connection.execute(statement)).all()
    ids = [row.data_product_id for row in rows]
    pairs: dict[int, list[Pair]] = defaultdict(list)
    for pair in await _pairs(connection, recalibration_id, ids) if ids else ():
        pairs[pair.data_product_id].append(pair)
    answers = await _answers(connection, recalibration_id, ids) if ids else {}
    return [
        ItemOut(
            data_product_id=row.data_product_id,
            file_name=row.file_name,
            state=row.state,
            message=row.message,
            pairs=[PairOut.model_validate(one) for one in pairs[row.data_product_id]],
            answers=answers.get(row.data_product_id, []),
        )
        for row in rows
    ]


async def _answers(
    connection: AsyncConnection, recalibration_id: int, ids: Sequence[int]
) -> dict[int, list[PlaneAnswerOut]]:
    items = recalibration_items.c
    statement = (
        select(planes)
        .join(
            recalibration_items,
            and_(
                items.data_product_id == planes.c.data_product_id,
                planes.c.request_order == NEW_ORDER,
            ),
        )
        .where(
            items.recalibration_id == recalibration_id,
            items.data_product_id.in_(ids),
            planes.c.answer.is_not(None),
        )
        .order_by(planes.c.data_product_id, planes.c.plane)
    )
    found: dict[int, list[PlaneAnswerOut]] = defaultdict(list)
    for row in await connection.execute(statement):
        found[row.data_product_id].append(
            PlaneAnswerOut(
                plane=row.plane,
                outcome=row.outcome,
                message=row.message,
                calibration_id=row.calibration_id,
            )
        )
    return found


async def _pairs(
    connection: AsyncConnection, recalibration_id: int, ids: Sequence[int]
) -> list[Pair]:
    """Old and new values of some products' targets, where planes were answered anew."""
    items, lines = recalibration_items.c, plane_measurements.c
    statement = (
        select(
            plane_measurements,
            (lines.request_order == items.old_order).label("is_old"),
        )
        .join(
            recalibration_items,
            and_(
                items.data_product_id == lines.data_product_id,
                or_(
                    lines.request_order == items.old_order,
                    lines.request_order == NEW_ORDER,
                ),
            ),
        )
        .where(
            items.recalibration_id == recalibration_id,
            items.data_product_id.in_(ids),
            items.state.in_(COMPARED_STATES),
        )
        .order_by(lines.data_product_id, lines.plane, lines.target_id)
    )
    values: dict[tuple[int, int, int], dict[bool, Any]] = defaultdict(dict)
    for row in await connection.execute(statement):
        key = (row.data_product_id, row.plane, row.target_id)
        values[key][bool(row.is_old)] = row
    return [
        Pair(*key, old=_value(found.get(True)), new=_value(found.get(False)))
        for key, found in values.items()
    ]


def _value(row: Any) -> Value | None:
    if row is None:
        return None
    return Value(**{name: getattr(row, name) for name in Value.__dataclass_fields__})
