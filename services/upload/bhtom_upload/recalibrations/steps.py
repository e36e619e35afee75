"""The steps of a re-calibration: each a job, its effect in one transaction.

Whatever is killed when, the next step finds the items as the last one left them. At
most `IN_FLIGHT` products of a re-calibration are asked for at a time, so that it never
stands in front of new frames.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from bhtom_runtime.service import Cron, Effect, Job, JobKind
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.data_products import plane_store, request_store
from bhtom_upload.data_products import store as products
from bhtom_upload.data_products.domain import State as ProductState
from bhtom_upload.recalibrations import store
from bhtom_upload.recalibrations.asking import (
    OVERTAKEN,
    start_preview,
    start_recording,
)
from bhtom_upload.recalibrations.domain import ItemState, Move, State
from bhtom_upload.recalibrations.noticing import STEP, ask_for_step
from bhtom_upload.recalibrations.store import Campaign, Item
from bhtom_upload.recalibrations.tables import recalibration_items

SWEEP: Final = "sweep_recalibrations"
CRON: Final = Cron(SWEEP, timedelta(seconds=30), SWEEP)
BATCH: Final = 200
IN_FLIGHT: Final = 20
# More than anybody looks through; a wider selection is probably a mistake.
MOST_ITEMS: Final = 20_000
_PATIENCE: Final = timedelta(minutes=15)

_logger = structlog.get_logger(__name__)


def stepping() -> tuple[JobKind, ...]:
    """The jobs of this slice."""

    async def run(job: Job) -> Effect:
        async def effect(unit: UnitOfWork) -> None:
            await step(unit, int(job.payload["recalibration_id"]))

        return effect

    async def sweep(_: Job) -> Effect:
        async def effect(unit: UnitOfWork) -> None:
            for recalibration_id in await store.working(unit):
                await ask_for_step(unit, recalibration_id)

        return effect

    return (JobKind(STEP, run, timeout_s=60), JobKind(SWEEP, sweep, timeout_s=60))


async def step(unit: UnitOfWork, recalibration_id: int) -> None:
    """Do what can be done now."""
    campaign = await store.lock(unit, recalibration_id)
    if campaign is None:
        return
    if campaign.state is State.COLLECTING:
        await _collect(unit, campaign)
    elif campaign.state is State.PREVIEWING:
        await _preview(unit, campaign)
    elif campaign.state is State.ACCEPTING:
        await _record(unit, campaign)


async def _collect(unit: UnitOfWork, campaign: Campaign) -> None:
    found = await store.collect(unit, campaign, BATCH)
    total = sum((await store.count(unit, campaign.recalibration_id)).values())
    if total > MOST_ITEMS:
        message = f"More than {MOST_ITEMS} frames: narrow the selection."
        await store.move(unit, campaign, Move.FAIL, message)
        return
    if found == BATCH:
        await ask_for_step(unit, campaign.recalibration_id)
        return
    if total == 0:
        message = "No frame that you may calibrate again fits the selection."
        await store.move(unit, campaign, Move.FINISH, message)
        return
    how = Move.PREVIEW if campaign.preview else Move.ACCEPT
    told = f"{total} frame{' is' if total == 1 else 's are'} calibrated again."
    await store.move(unit, campaign, how, told)
    await ask_for_step(unit, campaign.recalibration_id)


async def _preview(unit: UnitOfWork, campaign: Campaign) -> None:
    mine = campaign.recalibration_id
    for item in await store.items_in(unit, mine, (ItemState.PREVIEWING,), IN_FLIGHT):
        if await _is_answered(unit, item):
            await store.move_item(unit, mine, item, ItemState.PREVIEWED)
    await _ask_overdue_again(unit, campaign)
    counts = await store.count(unit, mine)
    room = IN_FLIGHT - counts.get(ItemState.PREVIEWING, 0)
    for item in await store.items_in(unit, mine, (ItemState.SELECTED,), room):
        await start_preview(unit, campaign, item)
    await _finish_when_nothing_is_left(
        unit,
        campaign,
        (ItemState.SELECTED, ItemState.PREVIEWING),
        "The preview is complete: compare, then accept or discard it.",
    )


async def _record(unit: UnitOfWork, campaign: Campaign) -> None:
    mine = campaign.recalibration_id
    for item in await store.items_in(unit, mine, (ItemState.RECORDING,), IN_FLIGHT):
        await _follow_recording(unit, campaign, item)
    counts = await store.count(unit, mine)
    room = IN_FLIGHT - counts.get(ItemState.RECORDING, 0)
    ready = (ItemState.PREVIEWED if campaign.preview else ItemState.SELECTED,)
    for item in await store.items_in(unit, mine, ready, room):
        await start_recording(unit, campaign, item)
    await _finish_when_nothing_is_left(
        unit,
        campaign,
        (*ready, ItemState.RECORDING),
        "Every frame has been answered; the light curves hold the new revisions.",
    )


async def _finish_when_nothing_is_left(
    unit: UnitOfWork, campaign: Campaign, open_states: tuple[ItemState, ...], told: str
) -> None:
    mine = campaign.recalibration_id
    counts = await store.count(unit, mine)
    if not any(counts.get(state) for state in open_states):
        await store.move(unit, campaign, Move.FINISH, told)
        _logger.info("re-calibration went on", recalibration_id=mine, message=told)
        return
    in_flight = (ItemState.PREVIEWING, ItemState.RECORDING)
    if not any(counts.get(state) for state in in_flight):
        # All that were taken up were skipped at once: nobody's answer wakes us.
        await ask_for_step(unit, mine)


async def _is_answered(unit: UnitOfWork, item: Item) -> bool:
    assert item.preview_order is not None  # noqa: S101 - set with the state
    planes = await plane_store.planes_of(unit, item.data_product_id, item.preview_order)
    answered = [plane for plane in planes.values() if plane.answer is not None]
    return bool(answered) and len(answered) >= answered[0].plane_count


async def _ask_overdue_again(unit: UnitOfWork, campaign: Campaign) -> None:
    """Send a preview's request once more when nobody answers it."""
    overdue = recalibration_items.c.asked_at < datetime.now(UTC) - _PATIENCE
    mine = campaign.recalibration_id
    for item in await store.items_in(
        unit, mine, (ItemState.PREVIEWING,), IN_FLIGHT, overdue
    ):
        product = await products.lock_product(unit, item.data_product_id)
        assert product is not None  # noqa: S101 - a foreign key holds it
        assert item.preview_order is not None  # noqa: S101 - set with the state
        request = await request_store.request_at(
            unit, item.data_product_id, item.preview_order
        )
        unit.emit(
            request_store.event_of(product, request), traceparent=request.traceparent
        )
        await store.touch(unit, mine, item.data_product_id)


async def _follow_recording(unit: UnitOfWork, campaign: Campaign, item: Item) -> None:
    product = await products.lock_product(unit, item.data_product_id)
    assert product is not None  # noqa: S101 - a foreign key holds it
    mine = campaign.recalibration_id
    if product.request_order != item.record_order:
        await store.move_item(unit, mine, item, ItemState.SKIPPED, OVERTAKEN)
    elif product.state is ProductState.DONE:
        await store.move_item(unit, mine, item, ItemState.DONE)
    elif product.state is ProductState.WAITING:
        told = f"{product.standing.message} It goes on by itself."
        await store.move_item(unit, mine, item, ItemState.SKIPPED, told)
    elif product.state in (ProductState.FAILED, ProductState.DELETED):
        told = product.standing.message
        await store.move_item(unit, mine, item, ItemState.FAILED, told)
