"""`/api/v1/calibrations/decisions`: what was decided, and a person's word on it."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path

from bhtom_cpcs.decisions import rulings, scenes
from bhtom_cpcs.decisions.camera_reading import camera_decisions, check_may_rule
from bhtom_cpcs.decisions.reading import check_may_rule_on_target, target_decisions
from bhtom_cpcs.decisions.schemas import (
    CameraDecisions,
    RulingIn,
    SceneRulingIn,
    TargetDecisions,
)
from bhtom_runtime.auth import Principal
from bhtom_runtime.service import Context

_MAX_ID: Final = 2**63 - 1
Id = Annotated[int, Path(ge=1, le=_MAX_ID)]


def decisions_router(context: Context) -> APIRouter:
    """The routes of this slice."""
    router = APIRouter(prefix="/api/v1/calibrations/decisions", tags=["decisions"])
    _add_reading(router, context)
    _add_ruling(router, context)
    _add_scene_ruling(router, context)
    return router


def _add_reading(router: APIRouter, context: Context) -> None:
    caller_dependency = Depends(context.auth.optional)

    @router.get("/cameras/{camera_id}", summary="What a camera's filter cards mean")
    async def of_camera(
        camera_id: Id, caller: Annotated[Principal | None, caller_dependency]
    ) -> CameraDecisions:
        async with context.database.read() as connection:
            return await camera_decisions(connection, camera_id, caller)

    @router.get("/targets/{target_id}", summary="A target's scene, place and colour")
    async def of_target(
        target_id: Id, caller: Annotated[Principal | None, caller_dependency]
    ) -> TargetDecisions:
        async with context.database.read() as connection:
            return await target_decisions(connection, target_id, caller)


def _add_ruling(router: APIRouter, context: Context) -> None:
    writer = Depends(context.auth.require("write"))

    @router.post(
        "/cameras/{camera_id}/rulings",
        status_code=201,
        summary="Force, settle or clear what a filter card means",
    )
    async def rule(
        camera_id: Id, wanted: RulingIn, caller: Annotated[Principal, writer]
    ) -> CameraDecisions:
        async with context.database.unit_of_work() as uow:
            await check_may_rule(uow.connection, camera_id, caller)
            await rulings.rule(uow, camera_id, wanted, caller)
            return await camera_decisions(uow.connection, camera_id, caller)

    @router.post(
        "/cameras/{camera_id}/rulings/{ruling_id}/withdraw",
        summary="Take a ruling back",
    )
    async def withdraw(
        camera_id: Id, ruling_id: Id, caller: Annotated[Principal, writer]
    ) -> CameraDecisions:
        async with context.database.unit_of_work() as uow:
            await check_may_rule(uow.connection, camera_id, caller)
            await rulings.withdraw(uow, camera_id, ruling_id, caller)
            return await camera_decisions(uow.connection, camera_id, caller)


def _add_scene_ruling(router: APIRouter, context: Context) -> None:
    writer = Depends(context.auth.require("write"))

    @router.post(
        "/targets/{target_id}/scene/rulings",
        status_code=201,
        summary="Drop a star from a target's scene",
    )
    async def drop(
        target_id: Id, wanted: SceneRulingIn, caller: Annotated[Principal, writer]
    ) -> TargetDecisions:
        async with context.database.unit_of_work() as uow:
            await check_may_rule_on_target(uow.connection, target_id, caller)
            await scenes.drop_star(uow, target_id, wanted, caller)
            return await target_decisions(uow.connection, target_id, caller)

    @router.post(
        "/targets/{target_id}/scene/rulings/{ruling_id}/withdraw",
        summary="Take a ruling on a scene back",
    )
    async def withdraw(
        target_id: Id, ruling_id: Id, caller: Annotated[Principal, writer]
    ) -> TargetDecisions:
        async with context.database.unit_of_work() as uow:
            await check_may_rule_on_target(uow.connection, target_id, caller)
            await scenes.take_back(uow, target_id, ruling_id, caller)
            return await target_decisions(uow.connection, target_id, caller)
