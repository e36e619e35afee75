"""Queries of the upkeep: what waits, what lost its job, which plots are in use."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Text, cast, func, select, union_all, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_cpcs.calibrations.domain import RequestState
from bhtom_cpcs.calibrations.service import REDUCE_FRAME
from bhtom_cpcs.calibrations.tables import CALIBRATIONS, REQUESTS
from bhtom_cpcs.schema import INFRASTRUCTURE
from bhtom_runtime.unit_of_work import UnitOfWork

# So that a short check stays short however many wait; the rest is done next time.
BATCH: Final = 500

_is_waiting = REQUESTS.c.state == RequestState.WAITING
_catalogue = REQUESTS.c.missing_tiles["catalogue"].astext
_checked = REQUESTS.c.missing_tiles["checked_release"].astext


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A request and the tiles it waits for (nested HEALPix)."""

    id: int
    healpix_order: int
    pixels: tuple[int, ...]
    catalogue: str


async def catalogues_waited_for(connection: AsyncConnection) -> list[str]:
    """Names of the catalogues that any request waits for."""
    statement = select(_catalogue).where(_is_waiting).distinct()
    return [row[0] for row in await connection.execute(statement)]


async def not_checked(
    connection: AsyncConnection, catalogue: str, release: str
) -> list[WaitingRequest]:
    """Requests that wait for a catalogue and have not been held against a release."""
    statement = (
        select(REQUESTS.c.id, REQUESTS.c.missing_tiles)
        .where(_is_waiting, _catalogue == catalogue, _checked.is_distinct_from(release))
        .order_by(REQUESTS.c.id)
        .limit(BATCH)
    )
    return [
        WaitingRequest(
            row.id,
            row.missing_tiles["healpix_order"],
            tuple(row.missing_tiles["pixels"]),
            catalogue,
        )
        for row in await connection.execute(statement)
    ]


async def longest_waiting(
    connection: AsyncConnection, catalogues: Sequence[str]
) -> list[WaitingRequest]:
    """Requests that wait for any of the catalogues, the oldest first."""
    statement = (
        select(REQUESTS.c.id, REQUESTS.c.missing_tiles)
        .where(_is_waiting, _catalogue.in_(catalogues))
        .order_by(REQUESTS.c.id)
        .limit(BATCH)
    )
    return [
        WaitingRequest(
            row.id,
            row.missing_tiles["healpix_order"],
            tuple(row.missing_tiles["pixels"]),
            row.missing_tiles["catalogue"],
        )
        for row in await connection.execute(statement)
    ]


async def mark_checked(uow: UnitOfWork, request_id: int, release: str) -> None:
    """Remember that a release does not have what a request waits for."""
    await uow.execute(
        update(REQUESTS)
        .where(REQUESTS.c.id == request_id, _is_waiting)
        .values(
            missing_tiles=REQUESTS.c.missing_tiles.concat(
                cast({"checked_release": release}, JSONB)
            )
        )
    )


async def without_job(connection: AsyncConnection, older_than: timedelta) -> list[int]:
    """Queued requests for which nothing is going to happen."""
    jobs = INFRASTRUCTURE.jobs
    alive = select(1).where(
        jobs.c.kind == REDUCE_FRAME,
        jobs.c.dedupe_key == cast(REQUESTS.c.id, Text),
        jobs.c.state.in_(("ready", "running")),
    )
    statement = (
        select(REQUESTS.c.id)
        .where(
            REQUESTS.c.state == RequestState.QUEUED,
            REQUESTS.c.state_changed_at < func.now() - older_than,
            ~alive.exists(),
        )
        .order_by(REQUESTS.c.id)
        .limit(BATCH)
    )
    return list((await connection.execute(statement)).scalars())


async def files_in_use(
    connection: AsyncConnection, keys: Sequence[str]
) -> Collection[str]:
    """Those of the keys that a calibration refers to."""
    columns = (CALIBRATIONS.c.plot_key, CALIBRATIONS.c.explanation_key)
    statement = union_all(*[select(key).where(key.in_(keys)) for key in columns])
    return set((await connection.execute(statement)).scalars())
