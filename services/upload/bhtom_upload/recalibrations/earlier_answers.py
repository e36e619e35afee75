"""Gets the measurements of answers that came before they were kept here.

cpcs answers a request that it knows by sending its stored answers again, which changes
nothing but that a missing line is written. The list is made by a migration; it empties
by itself.
"""

from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import delete, func, or_, select, tuple_, update

from bhtom_runtime.service import Cron, Effect, Job, JobKind
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.data_products import request_store
from bhtom_upload.data_products import store as products
from bhtom_upload.data_products.domain import State
from bhtom_upload.recalibrations.tables import missing_measurements, plane_measurements

KIND: Final = "fetch_earlier_answers"
CRON: Final = Cron(KIND, timedelta(minutes=1), KIND)
# So few that nobody notices them, and 100,000 products are through in three days.
BATCH: Final = 25
_ASK_AGAIN_AFTER: Final = timedelta(hours=1)
# An answer may hold no measurement at all, or cpcs may have lost it.
_TIMES: Final = 3

_logger = structlog.get_logger(__name__)


def fetching() -> JobKind:
    """The job that works the list off."""

    async def run(_: Job) -> Effect:
        async def effect(unit: UnitOfWork) -> None:
            await fetch(unit)

        return effect

    return JobKind(KIND, run, timeout_s=60)


async def fetch(unit: UnitOfWork) -> None:
    """Forget what came or never will, and ask for the next few."""
    listed, lines = missing_measurements.c, plane_measurements.c
    came = select(1).where(
        lines.data_product_id == listed.data_product_id,
        lines.request_order == listed.request_order,
    )
    is_due = or_(
        listed.asked_at.is_(None), listed.asked_at < func.now() - _ASK_AGAIN_AFTER
    )
    given_up = listed.times_asked >= _TIMES
    await unit.execute(
        delete(missing_measurements).where(or_(came.exists(), given_up & is_due))
    )
    due = (
        select(missing_measurements)
        .where(is_due)
        .order_by(listed.times_asked, listed.data_product_id, listed.request_order)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = (await unit.execute(due)).all()
    for row in rows:
        await _ask(unit, row.data_product_id, row.request_order)
    if rows:
        keys = [(row.data_product_id, row.request_order) for row in rows]
        await unit.execute(
            update(missing_measurements)
            .where(tuple_(listed.data_product_id, listed.request_order).in_(keys))
            .values(times_asked=listed.times_asked + 1, asked_at=func.now())
        )
        _logger.info("earlier answers asked for", data_products=len(rows))


async def _ask(unit: UnitOfWork, data_product_id: int, order: int) -> None:
    """Send a request once more, as it was and with its own id."""
    product = await products.lock_product(unit, data_product_id)
    if product is None or product.state is State.DELETED:
        return
    request = await request_store.request_at(unit, data_product_id, order)
    unit.emit(request_store.event_of(product, request), traceparent=request.traceparent)
