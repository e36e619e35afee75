"""The report card of a camera, and the step that makes it the next version."""

import asyncio
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from bhtom_runtime.errors import Conflict
from bhtom_web.forms import read_form
from bhtom_web.optional import attempt
from bhtom_web.pages.routing import page_router
from bhtom_web.services import Json
from bhtom_web.visits import SignedInVisit

router = page_router()

FIGURES: Final = {
    "gain": ("Gain", "e⁻/ADU", 3),
    "pixel_scale": ("Pixel scale", "″/px", 4),
    "saturation_level": ("Saturation level", "ADU", 0),
    "seeing": ("Seeing", "″", 2),
    "shutter_time": ("Shutter time", "s", 3),
}


@router.get("/cameras/{camera_id}/report")
async def camera_report(visit: SignedInVisit, camera_id: int) -> HTMLResponse:
    """What the camera's own frames tell of it, beside what its row says."""
    camera, report = await asyncio.gather(
        visit.api.get("core", f"/api/v1/cameras/{camera_id}"),
        attempt(visit.api.get("cpcs", _report_path(camera_id))),
    )
    return visit.page(
        "camera_report.html",
        camera=camera,
        report=report.value,
        sentence=report.sentence,
        figures=FIGURES,
        flats=_flats(report.value),
        is_accepted=_is_accepted(camera, report.value),
        may_edit=visit.owns(camera),
    )


@router.post("/cameras/{camera_id}/report")
async def accept(visit: SignedInVisit, request: Request, camera_id: int) -> Response:
    """Make the proposal that was read the camera's next version."""
    seen = await read_form(request)
    report = await visit.api.get("cpcs", _report_path(camera_id))
    proposal = report.get("proposal")
    if proposal is None or proposal["digest"] != seen.get("digest"):
        raise Conflict(
            "Newer frames have changed the report since it was shown; look at it "
            "again, then decide."
        )
    await visit.api.send(
        "PATCH", "core", f"/api/v1/cameras/{camera_id}", proposal["changes"]
    )
    return visit.go_to(f"/cameras/{camera_id}", done="camera-saved")


def _report_path(camera_id: int) -> str:
    return f"/api/v1/calibrations/cameras/{camera_id}/report"


def _is_accepted(camera: Json, report: Any) -> bool:
    """Whether the camera's newest version says what is offered already."""
    proposal = report.get("proposal") if isinstance(report, dict) else None
    if not isinstance(proposal, dict):
        return False
    return bool(camera.get("learned") == proposal["changes"].get("learned"))


def _flats(report: Any) -> list[Json]:
    """The flat-field maps and their cells by row, the top row of the image first."""
    found = report.get("flat_maps") if isinstance(report, dict) else None
    return [{"of": one, "rows": _rows(one)} for one in found or ()]


def _rows(flat: Json) -> list[list[float | None]]:
    columns, residuals = flat["columns"], flat["residuals"]
    starts = range(0, len(residuals), columns)
    return [residuals[start : start + columns] for start in reversed(starts)]
