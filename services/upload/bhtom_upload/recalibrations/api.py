"""`/api/v1/recalibrations`: ask, compare, accept, stop and resume."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from sqlalchemy import select

from bhtom_runtime.auth import Principal
from bhtom_runtime.pagination import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    decode_cursor,
    encode_cursor,
)
from bhtom_runtime.service import Context
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.recalibrations import reading, service
from bhtom_upload.recalibrations.schemas import (
    ItemPage,
    RecalibrationIn,
    RecalibrationOut,
    RecalibrationPage,
)
from bhtom_upload.recalibrations.tables import recalibrations

Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
UseCase = Callable[[UnitOfWork, int, Principal], Awaitable[None]]
_STEPS: Final[dict[str, UseCase]] = {
    "accept": service.accept,
    "stop": service.stop,
    "resume": service.resume,
    "discard": service.discard,
}


def recalibrations_router(context: Context) -> APIRouter:
    """The routes of this slice."""
    router = APIRouter(prefix="/api/v1/recalibrations", tags=["re-calibrations"])
    _add_reading(router, context)
    _add_asking(router, context)
    return router


def _add_reading(router: APIRouter, context: Context) -> None:
    viewer = Depends(context.auth.require("read"))

    @router.get("", summary="Re-calibrations, the newest first")
    async def list_recalibrations(
        caller: Annotated[Principal, viewer],
        limit: Limit = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> RecalibrationPage:
        number = recalibrations.c.recalibration_id
        statement = select(recalibrations).where(reading.seen_by(caller))
        if cursor:
            statement = statement.where(
                number < decode_cursor(cursor, {"id": int})["id"]
            )
        statement = statement.order_by(number.desc()).limit(limit + 1)
        async with context.database.read() as connection:
            rows = (await connection.execute(statement)).all()
            items = await reading.shown(connection, rows[:limit])
        more = len(rows) > limit
        last = items[-1].recalibration_id if more else 0
        return RecalibrationPage(
            items=items, next_cursor=encode_cursor({"id": last}) if more else None
        )

    @router.get("/{recalibration_id}", summary="One with its summary")
    async def get_recalibration(
        recalibration_id: Id, caller: Annotated[Principal, viewer]
    ) -> RecalibrationOut:
        async with context.database.read() as connection:
            row = await reading.find(connection, caller, recalibration_id)
            return await reading.with_summary(connection, row)

    @router.get("/{recalibration_id}/items", summary="Its products, old and new")
    async def get_items(
        recalibration_id: Id,
        caller: Annotated[Principal, viewer],
        limit: Limit = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> ItemPage:
        after = decode_cursor(cursor, {"id": int})["id"] if cursor else 0
        async with context.database.read() as connection:
            await reading.find(connection, caller, recalibration_id)
            items = await reading.page_of_items(
                connection, recalibration_id, after, limit + 1
            )
        more = len(items) > limit
        items = items[:limit]
        last = items[-1].data_product_id if more else 0
        return ItemPage(
            items=items, next_cursor=encode_cursor({"id": last}) if more else None
        )


def _add_asking(router: APIRouter, context: Context) -> None:
    uploader = Depends(context.auth.require("upload"))

    async def answer(recalibration_id: int, caller: Principal) -> RecalibrationOut:
        async with context.database.read() as connection:
            row = await reading.find(connection, caller, recalibration_id)
            return await reading.with_summary(connection, row)

    @router.post("", status_code=201, summary="Calibrate many products again")
    async def ask(
        wanted: RecalibrationIn,
        response: Response,
        caller: Annotated[Principal, uploader],
    ) -> RecalibrationOut:
        async with context.database.unit_of_work() as unit:
            number, is_new = await service.ask(unit, wanted, caller)
        if not is_new:
            response.status_code = 200
        return await answer(number, caller)

    def add_step(name: str, use_case: UseCase) -> None:
        @router.post(
            f"/{{recalibration_id}}/{name}",
            name=f"{name}_recalibration",
            summary=f"{name.capitalize()} a re-calibration",
        )
        async def step(
            recalibration_id: Id, caller: Annotated[Principal, uploader]
        ) -> RecalibrationOut:
            async with context.database.unit_of_work() as unit:
                await use_case(unit, recalibration_id, caller)
            return await answer(recalibration_id, caller)

    for name, use_case in _STEPS.items():
        add_step(name, use_case)
