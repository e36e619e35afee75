"""Tells core what cameras' frames would make of their next versions."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_contracts.events.cameras import CameraProposed
from bhtom_cpcs.camera_reports.frame_figures import figures_of
from bhtom_cpcs.camera_reports.reading import newest_request, newest_results
from bhtom_cpcs.camera_reports.report import report_of
from bhtom_cpcs.camera_reports.schemas import Proposal
from bhtom_cpcs.camera_reports.tables import CAMERA_PROPOSALS
from bhtom_cpcs.decisions.tables import FRAME_EVIDENCE
from bhtom_cpcs.replicas.tables import CAMERAS
from bhtom_runtime.service import Context, Cron, Effect, Job, JobKind
from bhtom_runtime.unit_of_work import UnitOfWork

PROPOSE: Final = "propose_cameras"
CRON: Final = Cron(PROPOSE, timedelta(hours=1), PROPOSE)
# A card of 2,000 frames takes seconds: a few an hour, and each camera once a day.
_CAMERAS_A_RUN: Final = 5
_ONCE_IN: Final = timedelta(hours=20)

_logger = structlog.get_logger(__name__)


def proposing(context: Context) -> JobKind:
    """The job that looks at cameras with new frames."""

    async def run(_: Job) -> Effect | None:
        async with context.database.read() as connection:
            cameras = await _with_new_frames(connection)
        looked_at = [
            (camera_id, until, await _proposal(context, camera_id))
            for camera_id, until in cameras
        ]

        async def effect(uow: UnitOfWork) -> None:
            for camera_id, until, proposed in looked_at:
                await _tell(uow, camera_id, until, proposed)

        return effect if looked_at else None

    return JobKind(PROPOSE, run, timeout_s=600)


async def _with_new_frames(connection: AsyncConnection) -> list[tuple[int, int]]:
    """Cameras with frames that no proposal has looked at, and the newest of these."""
    evidence, told = FRAME_EVIDENCE, CAMERA_PROPOSALS
    newest = func.max(evidence.c.calibration_id)
    statement = (
        select(evidence.c.camera_id, newest.label("until"))
        .join(CAMERAS, CAMERAS.c.camera_id == evidence.c.camera_id)
        .outerjoin(told, told.c.camera_id == evidence.c.camera_id)
        .where(
            CAMERAS.c.deleted_at.is_(None),
            CAMERAS.c.active,
            or_(
                told.c.camera_id.is_(None),
                told.c.looked_at < func.now() - _ONCE_IN,
            ),
        )
        .group_by(evidence.c.camera_id, told.c.considered_until, told.c.looked_at)
        .having(newest > func.coalesce(told.c.considered_until, 0))
        .order_by(told.c.looked_at.asc().nulls_first(), evidence.c.camera_id)
        .limit(_CAMERAS_A_RUN)
    )
    rows = await connection.execute(statement)
    return [(row.camera_id, row.until) for row in rows]


async def _proposal(context: Context, camera_id: int) -> CameraProposed | None:
    """What the camera's frames offer beside its newest pinned version, if anything."""
    async with context.database.read() as connection:
        request = await newest_request(connection, camera_id)
        results = await newest_results(connection, camera_id, None)
    if request is None:
        return None
    camera = request.camera

    def reported() -> Proposal | None:
        frames = [figures_of(one.result, camera.site.longitude) for one in results]
        return report_of(camera, camera.camera_version, frames).proposal

    # Seconds for many frames: other jobs go on meanwhile.
    found = await asyncio.to_thread(reported)
    if found is None:
        return None
    return CameraProposed.model_validate(
        {
            "camera_id": camera_id,
            "camera_version": camera.camera_version,
            "proposed_at": datetime.now(UTC),
            **found.changes,
        }
    )


async def _tell(
    uow: UnitOfWork, camera_id: int, until: int, proposed: CameraProposed | None
) -> None:
    """Send a proposal that says something else than the last one of the camera."""
    table = CAMERA_PROPOSALS
    digest = "" if proposed is None else _digest(proposed)
    statement = select(table.c.digest).where(table.c.camera_id == camera_id)
    known = (await uow.execute(statement)).scalar_one_or_none()
    values: dict[str, Any] = {
        "considered_until": until,
        "digest": digest,
        "looked_at": func.now(),
    }
    await uow.execute(
        insert(table)
        .values(camera_id=camera_id, **values)
        .on_conflict_do_update(index_elements=[table.c.camera_id], set_=values)
    )
    if proposed is not None and digest != known:
        uow.emit(proposed)
        _logger.info("camera proposed", camera_id=camera_id, digest=digest)


def _digest(proposed: CameraProposed) -> str:
    text = proposed.model_dump_json(exclude={"proposed_at"})
    return hashlib.sha256(text.encode()).hexdigest()[:16]
