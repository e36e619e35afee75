"""What a camera was before, why it changed, and the way back."""

import asyncio

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from bhtom_web.forms import read_form
from bhtom_web.optional import attempt
from bhtom_web.pages.routing import page_router
from bhtom_web.visits import SignedInVisit

router = page_router()


@router.get("/cameras/{camera_id}/versions")
async def camera_versions(visit: SignedInVisit, camera_id: int) -> HTMLResponse:
    """A camera's versions, newest first, and whether the operator's rule makes some."""
    camera, versions, rule = await asyncio.gather(
        visit.api.get("core", _path(camera_id)),
        visit.api.get("core", f"{_path(camera_id)}/versions"),
        attempt(visit.api.get("core", "/api/v1/cameras/acceptance-rule")),
    )
    return visit.page(
        "camera_versions.html",
        camera=camera,
        versions=versions["items"],
        rule=rule.value,
        may_edit=visit.owns(camera),
    )


@router.post("/cameras/{camera_id}/versions/{number}/restore")
async def restore(
    visit: SignedInVisit, request: Request, camera_id: int, number: int
) -> Response:
    """Make an earlier version the newest one."""
    reason = (await read_form(request)).get("reason", "")
    await visit.api.send(
        "POST",
        "core",
        f"{_path(camera_id)}/versions/{number}/restore",
        {"reason": reason},
    )
    return visit.go_to(f"/cameras/{camera_id}/versions", done="camera-restored")


@router.post("/cameras/{camera_id}/acceptance-rule")
async def follow_rule(
    visit: SignedInVisit, request: Request, camera_id: int
) -> Response:
    """Take the camera from the operator's rule, or let it follow."""
    follows = (await read_form(request)).get("follows") == "true"
    await visit.api.send(
        "POST", "core", f"{_path(camera_id)}/acceptance-rule", {"follows": follows}
    )
    return visit.go_to(
        f"/cameras/{camera_id}/versions",
        done="camera-follows-rule" if follows else "camera-left-rule",
    )


def _path(camera_id: int) -> str:
    return f"/api/v1/cameras/{camera_id}"
