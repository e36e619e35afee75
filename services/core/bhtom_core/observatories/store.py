"""Queries on observatories and cameras."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_core.observatories.tables import camera_versions, cameras, observatories
from bhtom_core.people.tables import users
from bhtom_core.rows import Query, Record

# One registration at a time: names are compared without the case of letters.
_NAMES_LOCK = 0x6F6E616D65

_PINNED = [
    column
    for column in camera_versions.c
    if column.name
    not in ("camera_id", "camera_version", "note", "created_by", "created_at")
]


@dataclass(frozen=True, slots=True)
class CameraPage:
    """Which cameras a list wants."""

    state: str | None = None
    owner_id: int | None = None
    observatory_id: int | None = None
    oname: str | None = None
    after: int = 0
    limit: int = 50


async def lock_names(connection: AsyncConnection) -> None:
    """Wait for whoever else registers an observatory or a camera."""
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _NAMES_LOCK}
    )


async def observatory_by_id(
    connection: AsyncConnection, observatory_id: int, *, for_update: bool = False
) -> Record | None:
    """An observatory with its owner's name."""
    statement = _observatories().where(observatories.c.observatory_id == observatory_id)
    if for_update:
        statement = statement.with_for_update(of=observatories)
    return (await connection.execute(statement)).one_or_none()


async def observatory_by_name(connection: AsyncConnection, name: str) -> Record | None:
    """An observatory, whatever the case of the letters."""
    statement = _observatories().where(
        func.lower(observatories.c.name) == func.lower(name)
    )
    return (await connection.execute(statement)).one_or_none()


async def list_observatories(
    connection: AsyncConnection, name: str | None, after: int, limit: int
) -> Sequence[Record]:
    """Observatories by id, those whose name contains a text."""
    statement = _observatories().where(observatories.c.observatory_id > after)
    if name:
        statement = statement.where(
            func.lower(observatories.c.name).contains(name.lower(), autoescape=True)
        )
    ordered = statement.order_by(observatories.c.observatory_id).limit(limit)
    return (await connection.execute(ordered)).all()


async def insert_observatory(
    connection: AsyncConnection, values: Mapping[str, Any]
) -> int:
    """A new observatory's id."""
    statement = insert(observatories).values(**values)
    returned = statement.returning(observatories.c.observatory_id)
    return int((await connection.execute(returned)).scalar_one())


async def update_observatory(
    connection: AsyncConnection, observatory_id: int, values: Mapping[str, Any]
) -> None:
    """Change an observatory."""
    await connection.execute(
        update(observatories)
        .where(observatories.c.observatory_id == observatory_id)
        .values(**values, version=observatories.c.version + 1, modified_at=func.now())
    )


async def camera_by_id(
    connection: AsyncConnection, camera_id: int, *, for_update: bool = False
) -> Record | None:
    """A camera with its newest version and its owner's name."""
    statement = _cameras().where(cameras.c.camera_id == camera_id)
    if for_update:
        statement = statement.with_for_update(of=cameras)
    return (await connection.execute(statement)).one_or_none()


async def camera_by_oname(connection: AsyncConnection, oname: str) -> Record | None:
    """A camera by its ONAME, whatever the case of the letters."""
    statement = _cameras().where(func.lower(cameras.c.oname) == func.lower(oname))
    return (await connection.execute(statement)).one_or_none()


async def list_cameras(
    connection: AsyncConnection, page: CameraPage
) -> Sequence[Record]:
    """Cameras by id."""
    statement = _cameras().where(
        cameras.c.camera_id > page.after, cameras.c.deleted_at.is_(None)
    )
    if page.state == "active":
        statement = statement.where(cameras.c.active)
    elif page.state is not None:
        statement = statement.where(cameras.c.approval == page.state)
    if page.owner_id is not None:
        statement = statement.where(cameras.c.owner_id == page.owner_id)
    if page.observatory_id is not None:
        statement = statement.where(cameras.c.observatory_id == page.observatory_id)
    if page.oname:
        statement = statement.where(
            func.lower(cameras.c.oname).contains(page.oname.lower(), autoescape=True)
        )
    ordered = statement.order_by(cameras.c.camera_id).limit(page.limit)
    return (await connection.execute(ordered)).all()


async def cameras_of(
    connection: AsyncConnection, observatory_id: int
) -> Sequence[Record]:
    """Every camera of an observatory, locked in the order of their ids."""
    statement = (
        _cameras()
        .where(cameras.c.observatory_id == observatory_id)
        .order_by(cameras.c.camera_id)
        .with_for_update(of=cameras)
    )
    return (await connection.execute(statement)).all()


async def insert_camera(connection: AsyncConnection, values: Mapping[str, Any]) -> int:
    """A new camera's id."""
    statement = insert(cameras).values(**values).returning(cameras.c.camera_id)
    return int((await connection.execute(statement)).scalar_one())


async def insert_camera_version(
    connection: AsyncConnection, values: Mapping[str, Any]
) -> None:
    """One more version of a camera."""
    await connection.execute(insert(camera_versions).values(**values))


async def update_camera(
    connection: AsyncConnection, camera_id: int, values: Mapping[str, Any]
) -> Record:
    """Change a camera; gives it with its newest version."""
    await connection.execute(
        update(cameras)
        .where(cameras.c.camera_id == camera_id)
        .values(**values, version=cameras.c.version + 1, modified_at=func.now())
    )
    changed = await camera_by_id(connection, camera_id)
    assert changed is not None  # noqa: S101 - it was locked by the caller
    return changed


async def list_versions(
    connection: AsyncConnection, camera_id: int
) -> Sequence[Record]:
    """Every version of a camera, newest first."""
    statement = (
        select(camera_versions)
        .where(camera_versions.c.camera_id == camera_id)
        .order_by(camera_versions.c.camera_version.desc())
        .limit(200)
    )
    return (await connection.execute(statement)).all()


async def version_of(
    connection: AsyncConnection, camera_id: int, number: int
) -> Record | None:
    """One version of a camera."""
    statement = select(camera_versions).where(
        camera_versions.c.camera_id == camera_id,
        camera_versions.c.camera_version == number,
    )
    return (await connection.execute(statement)).one_or_none()


def _observatories() -> Query:
    return select(observatories, users.c.username.label("owner")).join(
        users, users.c.user_id == observatories.c.owner_id
    )


def _cameras() -> Query:
    return (
        select(
            cameras,
            *_PINNED,
            observatories.c.aperture,
            users.c.username.label("owner"),
        )
        .join(
            camera_versions,
            and_(
                camera_versions.c.camera_id == cameras.c.camera_id,
                camera_versions.c.camera_version == cameras.c.camera_version,
            ),
        )
        .join(users, users.c.user_id == cameras.c.owner_id)
        .join(observatories, observatories.c.observatory_id == cameras.c.observatory_id)
    )
