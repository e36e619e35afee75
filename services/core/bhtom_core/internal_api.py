"""What other services ask when their replica has no answer."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, Path
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_contracts.base import Snapshot
from bhtom_core.ids import PathId, QueryId
from bhtom_core.observatories.snapshots import camera_snapshot
from bhtom_core.observatories.store import camera_by_id, camera_by_oname
from bhtom_core.people.snapshots import identity_snapshot, token_snapshot
from bhtom_core.people.store import token_by_hash, user_by_id, user_by_username
from bhtom_core.rows import Record
from bhtom_core.schema import infra
from bhtom_core.targets.domain import name_key
from bhtom_core.targets.snapshots import target_snapshot
from bhtom_core.targets.store import any_target, target_by_name
from bhtom_core.visibility import Reader
from bhtom_runtime.errors import NotFound
from bhtom_runtime.service import Context

Answer = dict[str, Any]
_EVERYTHING = Reader(is_admin=True)


def internal_router(context: Context) -> APIRouter:
    """Snapshots by id and by name, with the epoch they are from."""
    router = APIRouter(
        prefix="/internal",
        dependencies=[Depends(context.auth.internal)],
        include_in_schema=False,
    )
    _add_people(router, context)
    _add_targets(router, context)
    _add_cameras(router, context)
    return router


def _add_people(router: APIRouter, context: Context) -> None:
    read = context.database.read

    @router.get("/tokens/{token_hash}")
    async def token(token_hash: str = Path(pattern="^[0-9a-f]{64}$")) -> Answer:
        async with read() as connection:
            row = await token_by_hash(connection, token_hash)
            return await _answer(connection, token_snapshot, row)

    @router.get("/identities/by-username")
    async def identity_by_username(username: str) -> Answer:
        async with read() as connection:
            row = await user_by_username(connection, _clean(username))
            return await _answer(connection, identity_snapshot, row)

    @router.get("/identities/{user_id}")
    async def identity(user_id: PathId) -> Answer:
        async with read() as connection:
            row = await user_by_id(connection, user_id)
            return await _answer(connection, identity_snapshot, row)


def _add_targets(router: APIRouter, context: Context) -> None:
    read = context.database.read

    @router.get("/targets/by-name")
    async def target_named(name: str, user_id: QueryId = None) -> Answer:
        """Names of private targets may repeat: `user_id` says who means it."""
        async with read() as connection:
            reader = (
                _EVERYTHING if user_id is None else await _reader(connection, user_id)
            )
            found = await target_by_name(connection, name_key(name), reader)
            row = found and await any_target(connection, found.target_id)
            return await _answer(connection, target_snapshot, row)

    @router.get("/targets/{target_id}")
    async def target(target_id: PathId) -> Answer:
        async with read() as connection:
            row = await any_target(connection, target_id)
            return await _answer(connection, target_snapshot, row)


def _add_cameras(router: APIRouter, context: Context) -> None:
    read = context.database.read

    @router.get("/cameras/by-oname")
    async def camera_named(oname: str) -> Answer:
        async with read() as connection:
            row = await camera_by_oname(connection, _clean(oname))
            return await _answer(connection, camera_snapshot, row)

    @router.get("/cameras/{camera_id}")
    async def camera(camera_id: PathId) -> Answer:
        async with read() as connection:
            row = await camera_by_id(connection, camera_id)
            return await _answer(connection, camera_snapshot, row)


async def _reader(connection: AsyncConnection, user_id: int) -> Reader:
    user: Record | None = await user_by_id(connection, user_id)
    return Reader(user_id, user is not None and user.is_admin)


async def _answer(
    connection: AsyncConnection,
    snapshot: Callable[[Record], Snapshot],
    row: Record | None,
) -> Answer:
    if row is None:
        raise NotFound("There is no such thing.")
    epoch = await connection.scalar(select(infra.epoch.c.epoch))
    return {"epoch": epoch, "snapshot": snapshot(row).model_dump(mode="json")}


def _clean(text: str) -> str:
    # PostgreSQL's texts hold no NUL, so nothing is called by one.
    return text.replace("\0", "\ufffd").strip()
