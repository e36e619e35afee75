"""Queries on requests and calibrations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_contracts.events.frames import FitsUploaded
from bhtom_cpcs.calibrations.domain import (
    UNFINISHED,
    Move,
    RequestState,
    moved,
)
from bhtom_cpcs.calibrations.tables import CALIBRATIONS, REQUESTS
from bhtom_cpcs.science.decisions import PinnedRelease
from bhtom_runtime.tracing import current_traceparent
from bhtom_runtime.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request, its pinned inputs and its trace."""

    id: int
    state: RequestState
    inputs: FitsUploaded
    traceparent: str | None
    decisions: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class NewCalibration:
    """A plane's calibration as it is stored."""

    id: int
    calibration_request_id: int
    plane: int
    plane_count: int
    outcome: str
    message: str
    started_at: datetime
    finished_at: datetime
    reduction_time_s: float
    fingerprint: str | None
    software_version: str
    settings_version: str
    plot_key: str | None
    explanation_key: str | None
    result: dict[str, Any]
    answer_topic: str
    answer: dict[str, Any]


_REQUEST = (
    REQUESTS.c.id,
    REQUESTS.c.state,
    REQUESTS.c.request,
    REQUESTS.c.traceparent,
    REQUESTS.c.decisions,
)


def _stored(row: Any) -> StoredRequest:
    return StoredRequest(
        id=row.id,
        state=RequestState(row.state),
        inputs=FitsUploaded.model_validate(row.request),
        traceparent=row.traceparent,
        decisions=row.decisions,
    )


async def insert_request(uow: UnitOfWork, request: FitsUploaded) -> bool:
    """Keep a request with its pinned inputs; False when it is known already."""
    statement = (
        insert(REQUESTS)
        .values(
            id=request.calibration_request_id,
            data_product_id=request.data_product_id,
            request_order=request.request_order,
            purpose=request.purpose,
            owner_id=request.owner_id,
            visibility=request.visibility,
            embargo_until=request.embargo_until,
            target_id=request.target.target_id,
            request=request.model_dump(mode="json"),
            traceparent=current_traceparent(),
        )
        .on_conflict_do_nothing(index_elements=[REQUESTS.c.id])
        .returning(REQUESTS.c.id)
    )
    return (await uow.execute(statement)).first() is not None


async def find_request(
    connection: AsyncConnection, request_id: int
) -> StoredRequest | None:
    """A request as it is now."""
    statement = select(*_REQUEST).where(REQUESTS.c.id == request_id)
    row = (await connection.execute(statement)).first()
    return None if row is None else _stored(row)


async def lock_request(uow: UnitOfWork, request_id: int) -> StoredRequest | None:
    """A request, held until the unit of work ends: lock it before you emit."""
    statement = select(*_REQUEST).where(REQUESTS.c.id == request_id).with_for_update()
    row = (await uow.execute(statement)).first()
    return None if row is None else _stored(row)


async def lock_older_unfinished(
    uow: UnitOfWork, request: FitsUploaded
) -> list[StoredRequest]:
    """Unfinished requests of the same product and purpose that came before."""
    statement = (
        select(*_REQUEST)
        .where(
            REQUESTS.c.data_product_id == request.data_product_id,
            REQUESTS.c.purpose == request.purpose,
            REQUESTS.c.request_order < request.request_order,
            REQUESTS.c.state.in_(UNFINISHED),
        )
        .order_by(REQUESTS.c.id)
        .with_for_update()
    )
    return [_stored(row) for row in await uow.execute(statement)]


async def has_newer(uow: UnitOfWork, request: FitsUploaded) -> bool:
    """Whether a newer request of the same product and purpose is known."""
    statement = (
        select(REQUESTS.c.id)
        .where(
            REQUESTS.c.data_product_id == request.data_product_id,
            REQUESTS.c.purpose == request.purpose,
            REQUESTS.c.request_order > request.request_order,
        )
        .limit(1)
    )
    return (await uow.execute(statement)).first() is not None


async def move(
    uow: UnitOfWork,
    request: StoredRequest,
    how: Move,
    missing_tiles: dict[str, Any] | None = None,
) -> None:
    """Take a locked request to its next state: the only writer of `state`."""
    await uow.execute(
        update(REQUESTS)
        .where(REQUESTS.c.id == request.id)
        .values(
            state=moved(request.state, how),
            missing_tiles=missing_tiles,
            state_changed_at=func.now(),
        )
    )


async def pin_decisions(
    uow: UnitOfWork, request_id: int, decisions: dict[str, Any], *, anew: bool = False
) -> dict[str, Any]:
    """Tie a request to what was decided; the first to do so wins, unless `anew`."""
    here = REQUESTS.c.id == request_id
    statement = update(REQUESTS).where(here).values(decisions=decisions)
    if not anew:
        statement = statement.where(REQUESTS.c.decisions.is_(None))
    await uow.execute(statement)
    pinned: dict[str, Any] = (
        await uow.execute(select(REQUESTS.c.decisions).where(here))
    ).scalar_one()
    return pinned


async def decisions_pinned_by(
    connection: AsyncConnection, data_product_id: int, request_id: int
) -> dict[str, Any] | None:
    """What an earlier request of the same product was tied to."""
    statement = select(REQUESTS.c.decisions).where(
        REQUESTS.c.id == request_id, REQUESTS.c.data_product_id == data_product_id
    )
    pinned: dict[str, Any] | None = await connection.scalar(statement)
    return pinned


async def releases_used_by(
    connection: AsyncConnection, data_product_id: int, request_id: int
) -> tuple[PinnedRelease, ...]:
    """The releases that the planes of an earlier request were calibrated with."""
    source = CALIBRATIONS.c.result["provenance"]
    passband = CALIBRATIONS.c.result["zero_point"]["passband"]
    statement = (
        select(
            source["catalogue_name"].astext,
            source["catalogue_release"].astext,
            passband.astext,
        )
        .join(REQUESTS, REQUESTS.c.id == CALIBRATIONS.c.calibration_request_id)
        .where(
            REQUESTS.c.id == request_id,
            REQUESTS.c.data_product_id == data_product_id,
            passband.astext.is_not(None),
        )
        .order_by(CALIBRATIONS.c.plane)
    )
    return tuple(PinnedRelease(*row) for row in await connection.execute(statement))


async def release_decisions(uow: UnitOfWork, request_id: int) -> None:
    """Let a request that has measured nothing yet be tied anew."""
    await uow.execute(
        update(REQUESTS).where(REQUESTS.c.id == request_id).values(decisions=None)
    )


async def calibrations_of(uow: UnitOfWork, request_id: int) -> Sequence[Row[Any]]:
    """The stored planes of a request, in order."""
    statement = (
        select(CALIBRATIONS)
        .where(CALIBRATIONS.c.calibration_request_id == request_id)
        .order_by(CALIBRATIONS.c.plane)
    )
    return (await uow.execute(statement)).all()


async def next_calibration_id(uow: UnitOfWork) -> int:
    """An id for a calibration that is about to be stored."""
    sequence = text("SELECT nextval(pg_get_serial_sequence('cpcs.calibrations', 'id'))")
    return int((await uow.execute(sequence)).scalar_one())


async def keep_calibration(uow: UnitOfWork, calibration: NewCalibration) -> None:
    """Store a plane's calibration, in the place of the one it had."""
    values = {
        name: getattr(calibration, name) for name in NewCalibration.__dataclass_fields__
    }
    statement = insert(CALIBRATIONS).values(**values)
    await uow.execute(
        statement.on_conflict_do_update(
            index_elements=[
                CALIBRATIONS.c.calibration_request_id,
                CALIBRATIONS.c.plane,
            ],
            set_={
                name: statement.excluded[name]
                for name in values
                if name not in ("id", "calibration_request_id", "plane")
            },
        )
    )


async def drop_other_planes(
    uow: UnitOfWork, request_id: int, planes: Sequence[int]
) -> None:
    """Forget planes of an answer that another one has replaced."""
    await uow.execute(
        delete(CALIBRATIONS).where(
            CALIBRATIONS.c.calibration_request_id == request_id,
            CALIBRATIONS.c.plane.not_in(planes),
        )
    )
