"""The API of observatories and cameras."""

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Path, Query, Response

from bhtom_core.cursors import after_id, cursor_after
from bhtom_core.ids import PathId, QueryId
from bhtom_core.observatories import service, store
from bhtom_core.observatories.acceptance import AcceptanceRule
from bhtom_core.observatories.schemas import (
    Activation,
    Approval,
    Camera,
    CameraChanges,
    CameraList,
    CameraState,
    CameraVersion,
    CameraVersionList,
    NewCamera,
    NewObservatory,
    Observatory,
    ObservatoryChanges,
    ObservatoryList,
    OperatorsRule,
    Restoring,
    RuleFollowing,
    camera_of,
    observatory_of,
)
from bhtom_core.observatories.store import CameraPage
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import NotFound
from bhtom_runtime.service import Context

Limit = Annotated[int, Query(ge=1, le=200)]
Text = Annotated[str | None, Query(max_length=200)]
VersionNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]


def observatory_router(context: Context) -> APIRouter:
    """Where telescopes stand."""
    router = APIRouter(prefix="/api/v1/observatories", tags=["observatories"])
    database = context.database
    Writer: TypeAlias = Annotated[Principal, Depends(context.auth.require("write"))]
    readable = [Depends(context.auth.require("read"))]

    async def shown(observatory_id: int) -> Observatory:
        async with database.read() as connection:
            row = await store.observatory_by_id(connection, observatory_id)
        if row is None:
            raise NotFound(f"There is no observatory {observatory_id}.")
        return observatory_of(row)

    @router.get("", dependencies=readable)
    async def list_observatories(
        name: Text = None, limit: Limit = 50, cursor: Text = None
    ) -> ObservatoryList:
        """Observatories in the order of their registration."""
        contained = name.replace("\0", "\ufffd") if name else None
        async with database.read() as connection:
            rows = await store.list_observatories(
                connection, contained, after_id(cursor), limit + 1
            )
        items = [observatory_of(row) for row in rows[:limit]]
        more = len(rows) > limit
        return ObservatoryList(
            items=items,
            next_cursor=cursor_after(items[-1].observatory_id) if more else None,
        )

    @router.get("/{observatory_id}", dependencies=readable)
    async def by_id(observatory_id: PathId) -> Observatory:
        """An observatory."""
        return await shown(observatory_id)

    @router.post("", status_code=201)
    async def create(
        given: NewObservatory, caller: Writer, response: Response
    ) -> Observatory:
        """Register an observatory."""
        async with database.unit_of_work() as unit:
            created = await service.create_observatory(unit, caller, given.model_dump())
        response.headers["Location"] = f"/api/v1/observatories/{created}"
        return await shown(created)

    @router.patch("/{observatory_id}")
    async def change(
        observatory_id: PathId, given: ObservatoryChanges, caller: Writer
    ) -> Observatory:
        """Change an observatory; another site is a new version of its cameras."""
        async with database.unit_of_work() as unit:
            await service.change_observatory(
                unit, caller, observatory_id, given.fields()
            )
        return await shown(observatory_id)

    return router


def camera_router(context: Context, rule: AcceptanceRule | None) -> APIRouter:
    """Cameras and the header cards that their software writes."""
    router = APIRouter(prefix="/api/v1/cameras", tags=["observatories"])
    _add_rule(router, context, rule)
    _add_camera_reads(router, context)
    _add_camera_writes(router, context)
    return router


def _add_rule(router: APIRouter, context: Context, rule: AcceptanceRule | None) -> None:
    Writer: TypeAlias = Annotated[Principal, Depends(context.auth.require("write"))]

    @router.get(
        "/acceptance-rule", dependencies=[Depends(context.auth.require("read"))]
    )
    async def acceptance_rule() -> OperatorsRule:
        """The operator's rule for what cameras' own frames teach."""
        return OperatorsRule(is_on=rule is not None, text=rule.text if rule else "")

    @router.post("/{camera_id}/acceptance-rule")
    async def follow(camera_id: PathId, given: RuleFollowing, caller: Writer) -> Camera:
        """Let the operator's rule accept proposals for a camera, or not."""
        async with context.database.unit_of_work() as unit:
            await service.follow_rule(unit, caller, camera_id, given.follows)
        return await _shown(context, camera_id)

    @router.post("/{camera_id}/versions/{number}/restore")
    async def restore(
        camera_id: PathId, number: VersionNumber, given: Restoring, caller: Writer
    ) -> Camera:
        """Make an earlier version the newest; the operator's rule then keeps away."""
        async with context.database.unit_of_work() as unit:
            await service.restore_version(unit, caller, camera_id, number, given.reason)
        return await _shown(context, camera_id)


def _add_camera_reads(router: APIRouter, context: Context) -> None:
    database = context.database
    Caller: TypeAlias = Annotated[Principal, Depends(context.auth.require("read"))]

    @router.get("")
    async def list_cameras(
        caller: Caller,
        state: CameraState | None = None,
        mine: bool = False,
        observatory_id: QueryId = None,
        oname: Text = None,
        limit: Limit = 50,
        cursor: Text = None,
    ) -> CameraList:
        """Cameras in the order of their registration."""
        page = CameraPage(
            state=state,
            owner_id=caller.user_id if mine else None,
            observatory_id=observatory_id,
            oname=oname.replace("\0", "\ufffd") if oname else None,
            after=after_id(cursor),
            limit=limit + 1,
        )
        async with database.read() as connection:
            rows = await store.list_cameras(connection, page)
        items = [camera_of(row) for row in rows[:limit]]
        more = len(rows) > limit
        return CameraList(
            items=items, next_cursor=cursor_after(items[-1].camera_id) if more else None
        )

    @router.get("/{camera_id}")
    async def by_id(camera_id: PathId, _: Caller) -> Camera:
        """A camera in its newest version."""
        return await _shown(context, camera_id)

    @router.get("/{camera_id}/versions")
    async def versions(camera_id: PathId, _: Caller) -> CameraVersionList:
        """What a camera was before, newest first."""
        async with database.read() as connection:
            rows = await store.list_versions(connection, camera_id)
        if not rows:
            raise _no_camera(camera_id)
        return CameraVersionList(
            items=[CameraVersion.model_validate(row) for row in rows]
        )


def _add_camera_writes(router: APIRouter, context: Context) -> None:
    database = context.database
    Writer: TypeAlias = Annotated[Principal, Depends(context.auth.require("write"))]
    Administrator: TypeAlias = Annotated[
        Principal, Depends(context.auth.require("admin"))
    ]

    @router.post("", status_code=201)
    async def create(given: NewCamera, caller: Writer, response: Response) -> Camera:
        """Register a camera; an administrator approves it."""
        async with database.unit_of_work() as unit:
            created = await service.create_camera(unit, caller, given.model_dump())
        response.headers["Location"] = f"/api/v1/cameras/{created}"
        return await _shown(context, created)

    @router.patch("/{camera_id}")
    async def change(camera_id: PathId, given: CameraChanges, caller: Writer) -> Camera:
        """Change a camera: a new version of it, which later frames are pinned to."""
        async with database.unit_of_work() as unit:
            await service.change_camera(unit, caller, camera_id, given.fields())
        return await _shown(context, camera_id)

    @router.post("/{camera_id}/approval")
    async def decide(
        camera_id: PathId, given: Approval, caller: Administrator
    ) -> Camera:
        """Approve a camera, which activates it, or reject it with a reason."""
        async with database.unit_of_work() as unit:
            await service.decide(unit, caller, camera_id, given.approved, given.reason)
        return await _shown(context, camera_id)

    @router.post("/{camera_id}/activation")
    async def activate(camera_id: PathId, given: Activation, caller: Writer) -> Camera:
        """Take frames of an approved camera, or stop taking them."""
        async with database.unit_of_work() as unit:
            await service.activate(unit, caller, camera_id, given.active)
        return await _shown(context, camera_id)


async def _shown(context: Context, camera_id: int) -> Camera:
    async with context.database.read() as connection:
        row = await store.camera_by_id(connection, camera_id)
    if row is None or row.deleted_at is not None:
        raise _no_camera(camera_id)
    return camera_of(row)


def _no_camera(camera_id: int) -> NotFound:
    return NotFound(f"There is no camera {camera_id}.", code="camera_not_found")
