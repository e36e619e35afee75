"""All that a re-calibration changes in a few figures: one query, whatever its size."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    CTE,
    ColumnElement,
    Double,
    and_,
    case,
    false,
    func,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.elements import KeyedColumnElement

from bhtom_upload.recalibrations.comparing import SAME_DAYS, SAME_ERROR, SAME_MAG
from bhtom_upload.recalibrations.schemas import SummaryOut
from bhtom_upload.recalibrations.tables import plane_measurements, recalibration_items

_Columns: TypeAlias = ReadOnlyColumnCollection[str, KeyedColumnElement[Any]]

SIGMA_OF_MAD: Final = 1.4826
# What a pair may change, and what the summary calls the number of those.
CHANGES: Final[Mapping[str, str]] = {
    "only_old": "only_old",
    "only_new": "only_new",
    "passband": "passband_changed",
    "outcome": "outcome_changed",
    "magnitude": "magnitude_changed",
    "limit": "limit_changed",
    "error": "error_changed",
    "flags": "flags_changed",
    "time": "time_changed",
}
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
    pairs = pairs_of(recalibration_id)
    middle = select(_median(pairs.c.difference).label("median")).cte("middle")
    all_of = pairs.c
    apart = func.abs(all_of.difference)
    largest = aggregate_order_by(all_of.difference, apart.desc(), all_of.product)
    of_product = aggregate_order_by(all_of.product, apart.desc(), all_of.product)
    compared = all_of.difference.is_not(None)
    statement = select(
        func.count().label("pairs"),
        _count(or_(*(all_of[name] for name in CHANGES))).label("changed"),
        *(_count(all_of[name]).label(label) for name, label in CHANGES.items()),
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


def pairs_of(recalibration_id: int) -> CTE:
    """How old and new differ, for every target on every plane."""
    both = _old_and_new(recalibration_id).c
    difference = _difference(both)
    found = changes(both)
    return select(
        both.data_product_id.label("product"),
        both.target_id.label("target"),
        *(func.coalesce(found[name], false()).label(name) for name in CHANGES),
        difference.label("difference"),
        (_not_zero(both.new_error) / _not_zero(both.old_error)).label("error_ratio"),
    ).cte("pairs")


def changes(both: _Columns) -> dict[str, ColumnElement[bool]]:
    """What is otherwise, null where old or new is missing: `Pair.changes` in SQL."""
    same_passband = both.old_passband == both.new_passband
    same_outcome = both.old_seen == both.new_seen
    limits = (both.old_limit, both.new_limit)
    errors = (both.old_error, both.new_error)
    limit_apart = func.abs(both.new_limit - both.old_limit)
    error_apart = func.abs(both.new_error - both.old_error)
    return {
        "only_old": both.new_passband.is_(None),
        "only_new": both.old_passband.is_(None),
        "passband": ~same_passband,
        "outcome": ~same_outcome,
        "magnitude": func.abs(_difference(both)) >= SAME_MAG,
        "limit": same_passband & or_(_one_is_null(*limits), limit_apart >= SAME_MAG),
        "error": same_outcome
        & or_(_one_is_null(*errors), error_apart > SAME_ERROR * both.old_error),
        "flags": both.old_flags != both.new_flags,
        "time": func.abs(both.new_mjd - both.old_mjd) >= SAME_DAYS,
    }


def _difference(both: _Columns) -> ColumnElement[Any]:
    """New minus old, where both are in one passband [mag]."""
    other_passband = both.old_passband != both.new_passband
    return case((other_passband, null()), else_=both.new_magnitude - both.old_magnitude)


def _one_is_null(
    old: ColumnElement[Any], new: ColumnElement[Any]
) -> ColumnElement[bool]:
    return old.is_(None) != new.is_(None)


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
        "limit": func.max(lines.limit_5_sigma),
        "flags": func.max(lines.flags),
        "mjd": func.max(lines.mid_exposure_mjd),
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
