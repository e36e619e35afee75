"""Queries on points and revisions that recording, hiding and reading share."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_core.light_curves.domain import Current
from bhtom_core.light_curves.rules import is_copy_for, visible
from bhtom_core.light_curves.summaries import CURRENT
from bhtom_core.light_curves.tables import point_revisions, points, recorded_answers
from bhtom_core.rows import Record
from bhtom_core.targets.tables import targets
from bhtom_core.visibility import Reader


async def answer_to(
    connection: AsyncConnection, calibration_request_id: int, plane: int
) -> dict[str, Any] | None:
    """What was answered to a request about a plane, if it was."""
    statement = select(recorded_answers.c.answer).where(
        recorded_answers.c.calibration_request_id == calibration_request_id,
        recorded_answers.c.plane == plane,
    )
    found: dict[str, Any] | None = await connection.scalar(statement)
    return found


async def keep_answer(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Keep an answer, to be given again to a repeated request."""
    await connection.execute(insert(recorded_answers).values(**values))


async def live_targets(
    connection: AsyncConnection, target_ids: Sequence[int]
) -> set[int]:
    """Those of the targets that exist and are not deleted."""
    statement = select(targets.c.target_id).where(
        targets.c.target_id.in_(target_ids), targets.c.deleted_at.is_(None)
    )
    return set((await connection.execute(statement)).scalars())


async def lock_copies(connection: AsyncConnection, fingerprint: str) -> None:
    """Record one frame of these pixels at a time, so that copies see each other."""
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": fingerprint},
    )


async def locked_point(
    connection: AsyncConnection, source: str, record: str, component: str, target: int
) -> Record | None:
    """A point by its identity, locked."""
    statement = (
        select(points)
        .where(
            points.c.source == source,
            points.c.record == record,
            points.c.component == component,
            points.c.target_id == target,
        )
        .with_for_update()
    )
    return (await connection.execute(statement)).one_or_none()


async def copies_of(
    connection: AsyncConnection, fingerprint: str, component: str, target_id: int
) -> Sequence[Record]:
    """The points of equal frames, oldest first."""
    statement = (
        select(points)
        .where(
            points.c.fingerprint == fingerprint,
            points.c.component == component,
            points.c.target_id == target_id,
        )
        .order_by(points.c.point_id)
    )
    return (await connection.execute(statement)).all()


async def insert_point(connection: AsyncConnection, values: Mapping[str, Any]) -> int:
    """A new point's id."""
    statement = insert(points).values(**values).returning(points.c.point_id)
    return int((await connection.execute(statement)).scalar_one())


async def insert_revision(
    connection: AsyncConnection, values: Mapping[str, Any]
) -> None:
    """One more revision of a point."""
    await connection.execute(insert(point_revisions).values(**values))


async def update_point(
    connection: AsyncConnection, point_id: int, values: Mapping[str, Any]
) -> None:
    """Change what is decided or current about a point."""
    await connection.execute(
        update(points)
        .where(points.c.point_id == point_id)
        .values(**values, modified_at=func.now())
    )


async def revision_of_request(
    connection: AsyncConnection, point_id: int, calibration_request_id: int
) -> int | None:
    """The revision that a request has made of a point."""
    statement = select(point_revisions.c.revision).where(
        point_revisions.c.point_id == point_id,
        point_revisions.c.calibration_request_id == calibration_request_id,
    )
    found: int | None = await connection.scalar(statement)
    return found


async def revisions_of(connection: AsyncConnection, point_id: int) -> Sequence[Record]:
    """Every revision of a point, oldest first."""
    statement = (
        select(point_revisions)
        .where(point_revisions.c.point_id == point_id)
        .order_by(point_revisions.c.revision)
    )
    return (await connection.execute(statement)).all()


async def point_for_change(
    connection: AsyncConnection, point_id: int, reader: Reader
) -> Record | None:
    """A point that the reader may see, locked, with its target's owner."""
    statement = (
        select(points, targets.c.owner_id.label("target_owner_id"))
        .join(targets, targets.c.target_id == points.c.target_id)
        .where(
            points.c.point_id == point_id,
            targets.c.deleted_at.is_(None),
            visible(reader),
        )
        .with_for_update(of=points)
    )
    return (await connection.execute(statement)).one_or_none()


async def is_copy(connection: AsyncConnection, point_id: int, reader: Reader) -> bool:
    """Whether an older copy of a point counts for a reader."""
    statement = select(is_copy_for(reader)).where(points.c.point_id == point_id)
    return bool(await connection.scalar(statement))


async def insert_new_points(
    connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]
) -> dict[tuple[str, str], int]:
    """Insert the points that are not there yet; gives the ids of these."""
    if not rows:
        return {}
    statement = (
        postgresql_insert(points)
        .on_conflict_do_nothing()
        .returning(points.c.record, points.c.component, points.c.point_id)
    )
    made = await connection.execute(statement, list(rows))
    return {(row.record, row.component): row.point_id for row in made}


async def harvested_points(
    connection: AsyncConnection,
    source: str,
    target_id: int,
    identities: Sequence[tuple[str, str]],
) -> dict[tuple[str, str], Record]:
    """The points that an archive's rows have made, locked, with their content."""
    statement = (
        select(points, point_revisions.c.content_hash)
        .join(
            point_revisions,
            CURRENT,
        )
        .where(
            points.c.source == source,
            points.c.target_id == target_id,
            tuple_(points.c.record, points.c.component).in_(identities),
        )
        .order_by(points.c.point_id)
        .with_for_update(of=points)
    )
    found = (await connection.execute(statement)).all()
    return {(row.record, row.component): row for row in found}


async def insert_revisions(
    connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Many revisions at once."""
    if rows:
        await connection.execute(insert(point_revisions), list(rows))


async def update_currents(
    connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Set which revision counts, of many points at once."""
    if rows:
        statement = (
            update(points)
            .where(points.c.point_id == bindparam("of_point"))
            .values(
                current_revision=bindparam("current_revision"),
                current_order=bindparam("current_order"),
                revision_count=bindparam("revision_count"),
                mjd=bindparam("mjd"),
                modified_at=func.now(),
            )
        )
        await connection.execute(statement, list(rows))


def current_of(point: Record) -> Current:
    """Which revision of a point counts."""
    return Current(point.current_revision, point.current_order, point.revision_count)


def current_columns(current: Current) -> dict[str, int]:
    """The columns that say which revision counts."""
    return {
        "current_revision": current.revision,
        "current_order": current.order,
        "revision_count": current.count,
    }
