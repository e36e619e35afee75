"""What a camera's filter cards mean, by whose word, and its owner's rulings on it."""

import asyncio
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from bhtom_web.forms import Form, read_form
from bhtom_web.optional import attempt
from bhtom_web.pages.routing import page_router
from bhtom_web.services import ApiProblem, Json
from bhtom_web.visits import SignedInVisit

router = page_router()
_FIELDS: Final = (
    *("filter_card", "declared_filter", "kind", "passband"),
    *("valid_from_mjd", "valid_until_mjd", "why"),
)
KINDS: Final = (
    ("force", "Force: this passband, whatever the stars show"),
    ("settle", "Settle: what the stars propose counts from now on"),
    ("clear", "Clear: frames of this time say nothing"),
)


@router.get("/cameras/{camera_id}/filters")
async def camera_filters(
    visit: SignedInVisit, request: Request, camera_id: int
) -> HTMLResponse:
    """The bands that cards are held to mean, with intervals and evidence."""
    return await _page(visit, camera_id, Form(request.query_params))


@router.post("/cameras/{camera_id}/filters")
async def rule(visit: SignedInVisit, request: Request, camera_id: int) -> Response:
    """Overrule what the stars show: kept with who, when and why."""
    form = Form(await read_form(request))
    body: Json = {
        name: form.text(name)
        for name in ("filter_card", "declared_filter", "kind", "passband", "why")
        if form.text(name) or name == "filter_card"
    }
    for name in ("valid_from_mjd", "valid_until_mjd"):
        value = form.number(name, "61366.5")
        if value is not None:
            body[name] = value
    if not form.errors:
        try:
            await visit.api.send("POST", "cpcs", f"{_path(camera_id)}/rulings", body)
        except ApiProblem as problem:
            if problem.status in (401, 404):
                raise
            form.refuse(problem, _FIELDS)
        else:
            return visit.go_to(f"/cameras/{camera_id}/filters", done="ruling")
    return await _page(visit, camera_id, form)


@router.post("/cameras/{camera_id}/filters/{ruling_id}/withdraw")
async def withdraw(visit: SignedInVisit, camera_id: int, ruling_id: int) -> Response:
    """Take a ruling back."""
    path = f"{_path(camera_id)}/rulings/{ruling_id}/withdraw"
    await visit.api.send("POST", "cpcs", path)
    return visit.go_to(f"/cameras/{camera_id}/filters", done="ruling-withdrawn")


async def _page(visit: SignedInVisit, camera_id: int, form: Form) -> HTMLResponse:
    camera, decided = await asyncio.gather(
        visit.api.get("core", f"/api/v1/cameras/{camera_id}"),
        attempt(visit.api.get("cpcs", _path(camera_id))),
    )
    return visit.page(
        "camera_filters.html",
        422 if form.errors else 200,
        camera=camera,
        decided=decided.value,
        sentence=decided.sentence,
        form=form,
        kinds=KINDS,
        may_edit=visit.owns(camera),
    )


def _path(camera_id: int) -> str:
    return f"/api/v1/calibrations/decisions/cameras/{camera_id}"
