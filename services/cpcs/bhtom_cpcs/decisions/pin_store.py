"""Queries on the releases that light curves are tied to, one a passband."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_contracts.events.frames import FitsUploaded
from bhtom_contracts.passbands import canonical_request
from bhtom_cpcs.decisions.tables import CATALOGUE_PINS, FRAME_EVIDENCE
from bhtom_cpcs.science.decisions import PinnedRelease
from bhtom_runtime.unit_of_work import UnitOfWork


async def pin_catalogue(
    uow: UnitOfWork, values: Mapping[str, Any], *, anew: bool
) -> None:
    """Tie a target's points of a camera and passband to a release, for good.

    Unless `anew`.
    """
    table = CATALOGUE_PINS
    statement = insert(table).values(**values)
    news = statement.excluded
    await uow.execute(
        statement.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={
                "release": news.release,
                "calibration_id": news.calibration_id,
                "decided_at": func.now(),
            },
            where=and_(literal(anew), table.c.release != news.release),
        )
    )


async def releases_for(
    connection: AsyncConnection, request: FitsUploaded
) -> tuple[PinnedRelease, ...]:
    """What each passband is tied to; first what the frame will most likely show.

    The first is tried first: the band that was asked for, or that the frame showed
    before, and then what was decided last.
    """
    if request.parameters.newest_catalogue:
        return ()
    table, frames = CATALOGUE_PINS, FRAME_EVIDENCE
    before = select(frames.c.passband).where(
        frames.c.data_product_id == request.data_product_id
    )
    asked = canonical_request(request.parameters.requested_filter)
    statement = (
        select(table.c.catalogue, table.c.release, table.c.passband)
        .where(
            table.c.target_id == request.target.target_id,
            table.c.camera_id == request.camera.camera_id,
        )
        .order_by(
            (table.c.passband == asked).desc(),
            table.c.passband.in_(before).desc(),
            table.c.decided_at.desc(),
            table.c.catalogue,
            table.c.passband,
        )
    )
    return tuple(PinnedRelease(*row) for row in await connection.execute(statement))
