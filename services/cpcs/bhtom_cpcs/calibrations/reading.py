"""Queries for readers; each carries the rule of who may see what."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_cpcs.calibrations.tables import CALIBRATIONS, REQUESTS
from bhtom_cpcs.replicas.visibility import may_see
from bhtom_runtime.auth import Principal

_SHOWN: Final = (
    CALIBRATIONS.c.id,
    CALIBRATIONS.c.calibration_request_id,
    CALIBRATIONS.c.plane,
    CALIBRATIONS.c.plane_count,
    CALIBRATIONS.c.outcome,
    CALIBRATIONS.c.message,
    CALIBRATIONS.c.started_at,
    CALIBRATIONS.c.finished_at,
    CALIBRATIONS.c.reduction_time_s,
    CALIBRATIONS.c.software_version,
    CALIBRATIONS.c.settings_version,
    CALIBRATIONS.c.fingerprint,
    CALIBRATIONS.c.plot_key,
    CALIBRATIONS.c.explanation_key,
    CALIBRATIONS.c.result,
    REQUESTS.c.data_product_id,
    REQUESTS.c.request_order,
    REQUESTS.c.purpose,
    REQUESTS.c.request["target"].label("target"),
    REQUESTS.c.request["camera"].label("camera"),
    REQUESTS.c.request["parameters"].label("parameters"),
    # The other targets may be private ones: nobody is told where they are.
    REQUESTS.c.decisions.op("-", return_type=JSONB)("other_targets").label("decisions"),
)


# What a frame of the same night lends would tell where it looked: its air mass at a
# time is a circle on the sky, and the zero point that was made of it gives that away.
_LENT: Final = ("filter_card", "passband", "error")
# Which frame that was, for those who may see it.
_OF_FRAME: Final = ("mid_exposure_mjd", "calibration_id")
# A settled band begins and ends with frames, of whoever has the camera's time.
_OF_BAND: Final = ("filter_card", "passband", "provisional", "n_frames", "n_nights")


def shown_decisions(
    pinned: Mapping[str, Any] | None, seen: Collection[int]
) -> dict[str, Any] | None:
    """A request's decisions without what tells of frames that a reader may not see.

    `seen` are calibrations that he may see, among those that have lent.
    """
    if pinned is None:
        return None
    lent = [
        {
            name: one[name]
            for name in (*_LENT, *(_OF_FRAME if one["calibration_id"] in seen else ()))
        }
        for one in pinned.get("borrowed_zero_points") or ()
    ]
    bands = [
        {name: band[name] for name in _OF_BAND}
        for band in pinned.get("settled_bands") or ()
    ]
    return {**pinned, "borrowed_zero_points": lent, "settled_bands": bands}


async def lenders_seen(
    connection: AsyncConnection, caller: Principal | None, rows: Sequence[Row[Any]]
) -> frozenset[int]:
    """Of the calibrations that have lent to others, those that the caller may see."""
    lenders = {
        one["calibration_id"]
        for row in rows
        for one in (row.decisions or {}).get("borrowed_zero_points") or ()
    }
    if not lenders:
        return frozenset()
    statement = (
        select(CALIBRATIONS.c.id)
        .join(REQUESTS, REQUESTS.c.id == CALIBRATIONS.c.calibration_request_id)
        .where(CALIBRATIONS.c.id.in_(lenders), may_see(caller, REQUESTS))
    )
    return frozenset((await connection.execute(statement)).scalars())


def _shown_to(caller: Principal | None) -> Select[Any]:
    return (
        select(*_SHOWN)
        .join(REQUESTS, REQUESTS.c.id == CALIBRATIONS.c.calibration_request_id)
        .where(may_see(caller, REQUESTS))
    )


async def find_calibration(
    connection: AsyncConnection, caller: Principal | None, calibration_id: int
) -> Row[Any] | None:
    """A calibration, None when there is none or the caller may not know of it."""
    statement = _shown_to(caller).where(CALIBRATIONS.c.id == calibration_id)
    row: Row[Any] | None = (await connection.execute(statement)).first()
    return row


async def list_calibrations(
    connection: AsyncConnection,
    caller: Principal | None,
    *,
    data_product_id: int | None,
    before_id: int | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Calibrations from the newest on, one more than `limit` to tell of a next page."""
    statement = _shown_to(caller).order_by(CALIBRATIONS.c.id.desc()).limit(limit + 1)
    if data_product_id is not None:
        statement = statement.where(REQUESTS.c.data_product_id == data_product_id)
    if before_id is not None:
        statement = statement.where(CALIBRATIONS.c.id < before_id)
    rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
    return rows
