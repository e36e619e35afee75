"""Observatories and cameras: the list, registering, approval."""

import asyncio
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from bhtom_runtime.errors import Invalid
from bhtom_web.forms import Form, read_form
from bhtom_web.optional import attempt
from bhtom_web.pages.camera_form import (
    CAMERA_FIELDS,
    OBSERVATORY_FIELDS,
    camera_body,
    camera_values,
    observatory_body,
)
from bhtom_web.pages.routing import page_router
from bhtom_web.services import ApiProblem, Json
from bhtom_web.visits import CurrentVisit, SignedInVisit, Visit

router = page_router()
_NEW_OBSERVATORY: Final = "new"


@router.get("/cameras")
async def camera_list(visit: CurrentVisit, request: Request) -> HTMLResponse:
    """Cameras, those first that wait for an administrator."""
    form = Form(request.query_params)
    answer = await visit.api.get(
        "core",
        "/api/v1/cameras",
        state=form.text("state"),
        mine="true" if form.checked("mine") else None,
        limit=200,
    )
    cameras = sorted(
        answer["items"], key=lambda item: item.get("approval") != "pending"
    )
    return visit.page("cameras.html", cameras=cameras, form=form)


@router.get("/cameras/new")
async def new_camera(visit: SignedInVisit, request: Request) -> HTMLResponse:
    """The form for a camera, and its observatory if that is new as well."""
    return await _form_page(visit, Form(dict(request.query_params)))


@router.post("/cameras/new")
async def register_camera(visit: SignedInVisit, request: Request) -> Response:
    """Register the camera, after its observatory when that is new."""
    form = Form(await read_form(request))
    body = camera_body(form)
    form.require("observatory_id", "camera_name")
    is_new = form.text("observatory_id") == _NEW_OBSERVATORY
    observatory = observatory_body(form) if is_new else None
    if form.errors:
        return await _form_page(visit, form, 422)
    try:
        if observatory is not None:
            made = await visit.api.send(
                "POST", "core", "/api/v1/observatories", observatory
            )
            # Kept in the form: if the camera is refused, the observatory is there.
            form.values = {
                **form.values,
                "observatory_id": str(made.json["observatory_id"]),
            }
        body["observatory_id"] = int(form.text("observatory_id"))
        await visit.api.send("POST", "core", "/api/v1/cameras", body)
    except ApiProblem as problem:
        if problem.status == 401:
            raise
        form.refuse(problem, (*OBSERVATORY_FIELDS, *CAMERA_FIELDS))
        return await _form_page(visit, form, problem.status)
    return visit.go_to("/cameras", done="camera-registered")


@router.get("/cameras/{camera_id}")
async def camera_page(visit: CurrentVisit, camera_id: int) -> HTMLResponse:
    """A camera's figures, and the form to change them."""
    camera = await visit.api.get("core", f"/api/v1/cameras/{camera_id}")
    return _camera_page(visit, camera, Form(camera_values(camera)))


@router.post("/cameras/{camera_id}")
async def save_camera(
    visit: SignedInVisit, request: Request, camera_id: int
) -> Response:
    """Save the figures as the camera's next version."""
    form = Form(await read_form(request))
    body = camera_body(form)
    body.pop("camera_name", None)
    try:
        if not form.errors:
            await visit.api.send("PATCH", "core", f"/api/v1/cameras/{camera_id}", body)
            return visit.go_to(f"/cameras/{camera_id}", done="camera-saved")
    except ApiProblem as problem:
        if problem.status == 401:
            raise
        form.refuse(problem, CAMERA_FIELDS)
    camera = await visit.api.get("core", f"/api/v1/cameras/{camera_id}")
    return _camera_page(visit, camera, form, 422)


@router.post("/cameras/{camera_id}/approval")
async def approve(visit: SignedInVisit, request: Request, camera_id: int) -> Response:
    """An administrator's yes or no."""
    values = await read_form(request)
    approved = _said(values, "approved")
    body: Json = {"approved": approved}
    if values.get("reason"):
        body["reason"] = values["reason"]
    await visit.api.send("POST", "core", f"/api/v1/cameras/{camera_id}/approval", body)
    return visit.go_to(
        "/cameras", done="camera-approved" if approved else "camera-rejected"
    )


@router.post("/cameras/{camera_id}/activation")
async def activate(visit: SignedInVisit, request: Request, camera_id: int) -> Response:
    """The owner takes a camera in or out of use."""
    active = _said(await read_form(request), "active")
    await visit.api.send(
        "POST", "core", f"/api/v1/cameras/{camera_id}/activation", {"active": active}
    )
    return visit.go_to(
        f"/cameras/{camera_id}",
        done="camera-activated" if active else "camera-deactivated",
    )


def _said(values: dict[str, str], name: str) -> bool:
    """A button's yes or no; a form that says neither changes nothing."""
    answer = {"true": True, "false": False}.get(values.get(name, ""))
    if answer is None:
        raise Invalid("The form says neither yes nor no; use the buttons of the page.")
    return answer


def _camera_page(
    visit: Visit, camera: Json, form: Form, status: int = 200
) -> HTMLResponse:
    return visit.page(
        "camera.html", status, camera=camera, form=form, may_edit=visit.owns(camera)
    )


async def _form_page(visit: Visit, form: Form, status: int = 200) -> HTMLResponse:
    (observatories,) = await asyncio.gather(
        attempt(visit.api.get("core", "/api/v1/observatories", limit=200))
    )
    return visit.page(
        "camera_form.html",
        status,
        form=form,
        observatories=observatories,
        camera_fields=CAMERA_FIELDS,
    )
