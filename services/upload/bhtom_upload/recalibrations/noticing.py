"""Lets a re-calibration go on when one of its products was answered."""

from typing import Final

from sqlalchemy import select

from bhtom_runtime.unit_of_work import NewJob, UnitOfWork
from bhtom_upload.recalibrations.tables import recalibration_items

STEP: Final = "recalibration_step"
# What people wait for comes first.
_PRIORITY: Final = -10


async def ask_for_step(unit: UnitOfWork, recalibration_id: int, user: str = "") -> None:
    """Have a re-calibration make its next step, once at a time."""
    await unit.enqueue(
        NewJob(
            kind=STEP,
            payload={"recalibration_id": recalibration_id},
            priority=_PRIORITY,
            fair_key=user,
            dedupe_key=str(recalibration_id),
        )
    )


async def notice(unit: UnitOfWork, data_product_id: int) -> None:
    """A product was answered: whoever waits for it looks again."""
    items = recalibration_items.c
    statement = select(items.recalibration_id).where(
        items.data_product_id == data_product_id,
        items.state.in_(("previewing", "recording")),
    )
    for recalibration_id in (await unit.execute(statement)).scalars():
        await ask_for_step(unit, recalibration_id)
