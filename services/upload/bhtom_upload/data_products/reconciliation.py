"""Asks again for what got no answer: nothing waits in silence."""

from datetime import timedelta
from typing import Final

import structlog

from bhtom_runtime.database import Database
from bhtom_runtime.service import Cron, Effect, Job, JobKind
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.data_products import store
from bhtom_upload.data_products.domain import State
from bhtom_upload.data_products.requests import ask_again
from bhtom_upload.metrics import OVERDUE, REDRIVEN
from bhtom_upload.settings import UploadSettings

_logger = structlog.get_logger(__name__)
KIND: Final = "reconcile_data_products"
CRON: Final = Cron(KIND, every=timedelta(minutes=1), kind=KIND)
# A run must stay short: what is left is for the next one, a minute later.
_AT_MOST: Final = 100

_WHO_OWES: Final = {
    State.CALIBRATING: "The calibration has not answered",
    State.WAITING: "The calibration still waits",
    State.RECORDING: "The light curve has not confirmed the point",
}


def reconciliation(database: Database, settings: UploadSettings) -> JobKind:
    """The job that re-drives the products that stay too long in a state."""
    limits = {
        State.CALIBRATING: settings.redrive_calibrating_after,
        State.WAITING: settings.redrive_waiting_after,
        State.RECORDING: settings.redrive_recording_after,
    }

    async def run(_: Job) -> Effect:
        async with database.read() as connection:
            for state, after in limits.items():
                count = await store.count_overdue(connection, state, after)
                OVERDUE.labels(state.value).set(count)

        async def effect(unit: UnitOfWork) -> None:
            for state, after in limits.items():
                await _redrive(unit, state, after)

        return effect

    return JobKind(KIND, run)


async def _redrive(unit: UnitOfWork, state: State, after: timedelta) -> None:
    overdue = await store.lock_overdue(unit, state, after, _AT_MOST)
    for data_product_id in overdue:
        product = await store.lock_product(unit, data_product_id)
        assert product is not None  # noqa: S101 - its row is locked
        since = product.row.awaiting_since
        message = f"{_WHO_OWES[state]} since {since:%Y-%m-%d %H:%M} UTC: asked again."
        await ask_again(unit, product, message)
        REDRIVEN.labels(state.value).inc()
    if overdue:
        _logger.warning("asked again", state=state, data_products=len(overdue))
