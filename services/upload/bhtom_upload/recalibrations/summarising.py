"""All that a re-calibration changes in a few figures: one query, whatever its size."""

from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    Double,
    and_,
    case,
    func,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_upload.recalibrations.comparing import SAME_MAG
from bhtom_upload.recalibrations.schemas import SummaryOut
from bhtom_upload.recalibrations.tables import plane_measurements, recalibration_items

SIGMA_OF_MAD: Final = 1.4826
# Of these something new is known, or will never be.
COMPARED_STATES: Final = ("previewed", "recording", "done", "skipped", "failed")
NEW_ORDER: Final = func.coalesce(
    recalibration_items.c.record_order, recalibration_items.c.preview_order
)


async def summary(
    connection: AsyncConnection, recalibration_id: int
) -> SummaryOut | None:
    """Median, robust scatter (1.4826 MAD) and the largest of the differences.

    None where nothing is to be compared.
    """
    pairs = _pairs(recalibration_id)
    middle = select(_median(pairs.c.difference).label("median")).cte("middle")
    all_of = pairs.c
    apart = func.abs(all_of.difference)
    largest = aggregate_order_by(all_of.difference, apart.desc(), all_of.product)
    of_product = aggregate_order_by(all_of.product, apart.desc(), all_of.product)
    compared = all_of.difference.is_not(None)
    statement = select(
        func.count().label("pairs"),
        _count(all_of.is_changed).label("changed"),
        _count(all_of.other_passband).label("passband_changed"),
        _count(all_of.other_outcome).label("outcome_changed"),
        _count(all_of.only_old).label("only_old"),
        _count(all_of.only_new).label("only_new"),
        _count(compared).label("compared"),
        func.min(middle.c.median).label("median_difference"),
        (SIGMA_OF_MAD * _median(func.abs(all_of.difference - middle.c.median))).label(
            "scatter"
        ),
        _median(all_of.error_ratio).label("median_error_ratio"),
        func.array_agg(largest).filter(compared)[1].label("worst_difference"),
        func.array_agg(of_product).filter(compared)[1].label("worst_data_product_id"),
    ).select_from(pairs.join(middle, true()))
    row = (await connection.execute(statement)).one()
    return SummaryOut.model_validate(row) if row.pairs else None


def _pairs(recalibration_id: int) -> CTE:
    """How old and new differ, for every target on every plane."""
    both = _old_and_new(recalibration_id).c
    only_old, only_new = both.new_passband.is_(None), both.old_passband.is_(None)
    other_passband = both.old_passband != both.new_passband
    other_outcome = both.old_seen != both.new_seen
    difference = case(
        (other_passband, null()), else_=both.new_magnitude - both.old_magnitude
    )
    return select(
        both.data_product_id.label("product"),
        only_old.label("only_old"),
        only_new.label("only_new"),
        other_passband.label("other_passband"),
        other_outcome.label("other_outcome"),
        difference.label("difference"),
        or_(
            *(only_old, only_new, other_passband, other_outcome),
            func.abs(difference) >= SAME_MAG,
        ).label("is_changed"),
        (_not_zero(both.new_error) / _not_zero(both.old_error)).label("error_ratio"),
    ).cte("pairs")


def _old_and_new(recalibration_id: int) -> CTE:
    """A row for each pair: grouped, since a join of old to new is planned badly."""
    items, lines = recalibration_items.c, plane_measurements.c
    is_old = lines.request_order.is_not_distinct_from(items.old_order)
    place = (lines.data_product_id, lines.plane, lines.target_id)
    seen = and_(~lines.is_limit, lines.magnitude.is_not(None))
    values = {
        "passband": func.max(lines.passband),
        "magnitude": func.max(lines.magnitude),
        "error": func.max(lines.magnitude_error),
        "seen": func.bool_or(seen),
    }
    return (
        select(
            *place,
            *(
                value.filter(which).label(f"{when}_{name}")
                for when, which in (("old", is_old), ("new", ~is_old))
                for name, value in values.items()
            ),
        )
        .join(
            recalibration_items,
            and_(
                items.data_product_id == lines.data_product_id,
                or_(is_old, lines.request_order == NEW_ORDER),
            ),
        )
        .where(
            items.recalibration_id == recalibration_id,
            items.state.in_(COMPARED_STATES),
        )
        .group_by(*place)
        .cte("old_and_new")
    )


def _count(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.count().filter(condition)


def _not_zero(value: ColumnElement[float]) -> ColumnElement[float]:
    return func.nullif(value, 0.0, type_=Double)


def _median(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.percentile_cont(0.5).within_group(value)
