"""Queries on evidence and decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Table, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_cpcs.decisions.domain import Ruling, RulingKind
from bhtom_cpcs.decisions.scene_tables import SCENE_EVIDENCE
from bhtom_cpcs.decisions.tables import (
    BAND_RULINGS,
    BAND_SETTLEMENTS,
    FRAME_EVIDENCE,
    SCENES,
    TARGET_EVIDENCE,
)
from bhtom_cpcs.replicas.visibility import is_withdrawn
from bhtom_cpcs.science.calibration.settlement import BandEvidence
from bhtom_cpcs.science.decisions import Scene
from bhtom_runtime.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, order=True)
class FilterKey:
    """A filter card of a camera, with the filter that was asked for."""

    camera_id: int
    filter_card: str
    declared_filter: str


async def _keep(uow: UnitOfWork, table: Table, values: Mapping[str, Any]) -> None:
    """Write evidence, unless a newer request of the same product has spoken."""
    keys = list(table.primary_key)
    statement = insert(table).values(**values)
    replaced = {
        column.name: statement.excluded[column.name]
        for column in table.c
        if not column.primary_key
    }
    await uow.execute(
        statement.on_conflict_do_update(
            index_elements=keys,
            set_=replaced,
            where=table.c.request_order <= statement.excluded.request_order,
        )
    )


async def keep_frame(uow: UnitOfWork, values: Mapping[str, Any]) -> None:
    """Write what a plane says about its camera."""
    await _keep(uow, FRAME_EVIDENCE, values)


async def keep_target(uow: UnitOfWork, values: Mapping[str, Any]) -> None:
    """Write what a plane says about a target."""
    await _keep(uow, TARGET_EVIDENCE, values)


async def keep_scene_evidence(uow: UnitOfWork, values: Mapping[str, Any]) -> None:
    """Write what a plane says of a target's neighbours."""
    await _keep(uow, SCENE_EVIDENCE, values)


async def propose_scene(uow: UnitOfWork, scene: Scene, calibration_id: int) -> None:
    """Make a scene a target's first version; one that it has stays."""
    await uow.execute(
        insert(SCENES)
        .values(
            target_id=scene.target_id,
            version=1,
            radius_arcsec=scene.radius_arcsec,
            source=scene.source,
            stars=[_star(star) for star in scene.stars],
            calibration_id=calibration_id,
        )
        .on_conflict_do_nothing(index_elements=[SCENES.c.target_id, SCENES.c.version])
    )


def _star(star: Any) -> dict[str, float]:
    return {name: getattr(star, name) for name in star.__dataclass_fields__}


async def filters_to_consider(
    connection: AsyncConnection, limit: int
) -> list[FilterKey]:
    """Filters with evidence that no decision has looked at."""
    table = FRAME_EVIDENCE
    columns = (table.c.camera_id, table.c.filter_card, table.c.declared_filter)
    statement = select(*columns).where(~table.c.considered).distinct().limit(limit)
    return sorted(FilterKey(*row) for row in await connection.execute(statement))


async def targets_to_consider(connection: AsyncConnection, limit: int) -> list[int]:
    """Targets with evidence that no decision has looked at."""
    table = TARGET_EVIDENCE
    statement = (
        select(table.c.target_id).where(~table.c.considered).distinct().limit(limit)
    )
    return sorted((await connection.execute(statement)).scalars())


async def one_at_a_time(uow: UnitOfWork, subject: str) -> None:
    """Wait until nobody else decides about a subject; lock before you read."""
    await uow.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 0))"),
        {"subject": subject},
    )


async def mark_considered(
    uow: UnitOfWork, table: Table, change_ids: Sequence[int]
) -> None:
    """Say that a decision has looked at these rows, as they were."""
    if change_ids:
        await uow.execute(
            update(table)
            .where(table.c.change_id.in_(change_ids))
            .values(considered=True)
        )


def _of_filter(table: Table, key: FilterKey) -> tuple[Any, ...]:
    return (
        table.c.camera_id == key.camera_id,
        table.c.filter_card == key.filter_card,
        table.c.declared_filter == key.declared_filter,
    )


async def filter_history(
    uow: UnitOfWork, key: FilterKey
) -> tuple[list[BandEvidence], list[int]]:
    """Evidence on a filter that still counts, and the rows that are new."""
    table = FRAME_EVIDENCE
    statement = select(
        table.c.change_id,
        table.c.considered,
        table.c.calibration_id,
        table.c.mid_exposure_mjd,
        table.c.night,
        table.c.shown_bands,
        is_withdrawn(table).label("is_withdrawn"),
    ).where(*_of_filter(table, key))
    rows = (await uow.execute(statement)).all()
    history = [
        BandEvidence(
            row.calibration_id, row.mid_exposure_mjd, row.night, tuple(row.shown_bands)
        )
        for row in rows
        if not row.is_withdrawn
    ]
    return history, [row.change_id for row in rows if not row.considered]


async def rulings_on(uow: UnitOfWork, key: FilterKey) -> list[Ruling]:
    """What people ruled about a filter and did not take back, oldest first."""
    table = BAND_RULINGS
    statement = (
        select(table)
        .where(*_of_filter(table, key), table.c.withdrawn_at.is_(None))
        .order_by(table.c.id)
    )
    return [
        Ruling(
            RulingKind(row.kind), row.passband, row.valid_from_mjd, row.valid_until_mjd
        )
        for row in await uow.execute(statement)
    ]


async def settlement(uow: UnitOfWork, key: FilterKey) -> Row[Any] | None:
    """The newest settlement of a filter."""
    table = BAND_SETTLEMENTS
    statement = (
        select(table)
        .where(*_of_filter(table, key))
        .order_by(table.c.version.desc())
        .limit(1)
    )
    row: Row[Any] | None = (await uow.execute(statement)).first()
    return row


async def keep_settlement(
    uow: UnitOfWork, key: FilterKey, version: int, intervals: Sequence[Any]
) -> None:
    """Write a settlement's version, or its newest evidence."""
    table = BAND_SETTLEMENTS
    statement = insert(table).values(
        camera_id=key.camera_id,
        filter_card=key.filter_card,
        declared_filter=key.declared_filter,
        version=version,
        intervals=list(intervals),
    )
    await uow.execute(
        statement.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={"intervals": statement.excluded.intervals},
        )
    )


async def keep_ruling(uow: UnitOfWork, values: Mapping[str, Any]) -> int:
    """Write a ruling; its id."""
    statement = insert(BAND_RULINGS).values(**values).returning(BAND_RULINGS.c.id)
    return int((await uow.execute(statement)).scalar_one())


async def withdraw_ruling(
    uow: UnitOfWork, camera_id: int, ruling_id: int, username: str
) -> Row[Any] | None:
    """Take a ruling back; None when there is none that holds."""
    table = BAND_RULINGS
    statement = (
        update(table)
        .where(
            table.c.id == ruling_id,
            table.c.camera_id == camera_id,
            table.c.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=func.now(), withdrawn_by=username)
        .returning(table)
    )
    row: Row[Any] | None = (await uow.execute(statement)).first()
    return row


async def reconsider(uow: UnitOfWork, data_product_id: int) -> bool:
    """Let decisions look again at what a product told; False when it told nothing."""
    found = False
    for table in (FRAME_EVIDENCE, TARGET_EVIDENCE, SCENE_EVIDENCE):
        sequence = func.pg_get_serial_sequence(str(table), "change_id")
        changed = await uow.execute(
            update(table)
            .where(table.c.data_product_id == data_product_id)
            .values(considered=False, change_id=func.nextval(sequence))
            .returning(table.c.change_id)
        )
        found = changed.first() is not None or found
    return found
