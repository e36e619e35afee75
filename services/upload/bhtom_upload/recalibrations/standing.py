"""Which answer's values stand for a product."""

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, func, select

from bhtom_upload.recalibrations.tables import plane_measurements


def standing_order(data_product_id: ColumnElement[Any] | int) -> ScalarSelect[Any]:
    """The newest recorded request that measured: one that failed takes nothing away."""
    lines = plane_measurements.alias("standing")
    return (
        select(func.max(lines.c.request_order))
        .where(lines.c.data_product_id == data_product_id, lines.c.purpose == "record")
        # The product is that of whichever query this stands in, however deep.
        .correlate_except(lines)
        .scalar_subquery()
    )
