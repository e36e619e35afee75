"""The frames of a camera as they are calibrated now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    cast,
    desc,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_contracts.events.frames import FitsUploaded
from bhtom_cpcs.calibrations.tables import CALIBRATIONS, CAMERA_ID, REQUESTS
from bhtom_cpcs.replicas.tables import CAMERAS
from bhtom_cpcs.replicas.visibility import is_withdrawn, may_see
from bhtom_runtime.auth import Principal

# Enough for any estimate; older frames tell of an older camera.
MOST_PLANES: Final = 2000

_OF_CAMERA: Final[ColumnElement[int]] = literal_column(CAMERA_ID, BigInteger)


def _is_of(camera_id: int) -> ColumnElement[bool]:
    """The condition that the index on the camera's id serves."""
    return _OF_CAMERA.__eq__(camera_id)


async def find_camera(connection: AsyncConnection, camera_id: int) -> Row[Any] | None:
    """The camera as core last told of it."""
    statement = select(CAMERAS).where(
        CAMERAS.c.camera_id == camera_id, CAMERAS.c.deleted_at.is_(None)
    )
    return (await connection.execute(statement)).first()


async def newest_request(
    connection: AsyncConnection, camera_id: int
) -> FitsUploaded | None:
    """The camera's newest request, with the version that it pinned."""
    statement = (
        select(REQUESTS.c.request)
        .where(_is_of(camera_id), REQUESTS.c.purpose == "record")
        .order_by(REQUESTS.c.id.desc())
        .limit(1)
    )
    found = (await connection.execute(statement)).scalar_one_or_none()
    return None if found is None else FitsUploaded.model_validate(found)


@dataclass(frozen=True, slots=True)
class SeenResult:
    """A plane's stored result, and whether the reader may see the frame itself."""

    result: dict[str, Any]
    is_seen: bool


async def newest_results(
    connection: AsyncConnection, camera_id: int, caller: Principal | None
) -> Sequence[SeenResult]:
    """Results of the camera's newest frames, each plane's newest calibration only.

    So a re-calibration takes the place of what it replaces, and counts once. Uploads
    that were deleted count no more.
    """
    turn = (
        func.row_number()
        .over(
            partition_by=(REQUESTS.c.data_product_id, CALIBRATIONS.c.plane),
            order_by=REQUESTS.c.request_order.desc(),
        )
        .label("turn")
    )
    every = (
        select(CALIBRATIONS.c.id, turn)
        .join(REQUESTS, REQUESTS.c.id == CALIBRATIONS.c.calibration_request_id)
        .where(
            _is_of(camera_id),
            REQUESTS.c.purpose == "record",
            REQUESTS.c.state == "answered",
            ~is_withdrawn(REQUESTS),
        )
        .subquery()
    )
    # Results are large: only those that count are read.
    newest = (
        select(every.c.id)
        .where(every.c.turn == 1)
        .order_by(desc(every.c.id))
        .limit(MOST_PLANES)
        .subquery()
    )
    slim = cast(CALIBRATIONS.c.result, JSONB).op("#-")(
        literal_column("'{zero_point,ranking}'")
    )
    statement = (
        select(slim.label("result"), may_see(caller, REQUESTS).label("is_seen"))
        .join(newest, newest.c.id == CALIBRATIONS.c.id)
        .join(REQUESTS, REQUESTS.c.id == CALIBRATIONS.c.calibration_request_id)
        .order_by(desc(CALIBRATIONS.c.id))
    )
    rows = await connection.execute(statement)
    return [SeenResult(row.result, row.is_seen) for row in rows]
