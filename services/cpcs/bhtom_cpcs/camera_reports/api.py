"""The report card of a camera for readers."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path

from bhtom_contracts.events.cameras import CameraPin
from bhtom_cpcs.camera_reports.frame_figures import figures_of
from bhtom_cpcs.camera_reports.reading import (
    SeenResult,
    find_camera,
    newest_request,
    newest_results,
)
from bhtom_cpcs.camera_reports.report import report_of
from bhtom_cpcs.camera_reports.schemas import CameraReport
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import NotFound
from bhtom_runtime.service import Context

_MAX_ID: Final = 2**63 - 1
Id = Annotated[int, Path(ge=1, le=_MAX_ID)]


def camera_reports_router(context: Context) -> APIRouter:
    """The routes of this slice."""
    router = APIRouter(
        prefix="/api/v1/calibrations/cameras",
        tags=["cameras"],
    )
    reader = Depends(context.auth.require("read"))

    @router.get("/{camera_id}/report", summary="What a camera's frames tell of it")
    async def report(
        camera_id: Id, caller: Annotated[Principal, reader]
    ) -> CameraReport:
        """Figures over all frames, without naming any frame or target.

        Times are of frames that the caller may see.
        """
        async with context.database.read() as connection:
            camera = await find_camera(connection, camera_id)
            if camera is None:
                raise NotFound(f"There is no camera {camera_id}.")
            request = await newest_request(connection, camera_id)
            results = await newest_results(connection, camera_id, caller)
        if request is None:
            raise NotFound(
                f"No frame of {camera.oname} was calibrated yet: upload some first.",
                code="no_frames",
            )
        # Seconds for many frames: other requests go on meanwhile.
        return await asyncio.to_thread(
            _report, request.camera, camera.camera_version, results
        )

    return router


def _report(
    camera: CameraPin, camera_version: int, results: Sequence[SeenResult]
) -> CameraReport:
    frames = [
        figures_of(one.result, camera.site.longitude, is_seen=one.is_seen)
        for one in results
    ]
    return report_of(camera, camera_version, frames)
