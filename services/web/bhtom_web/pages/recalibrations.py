"""Re-calibrations: ask for one, compare old and new, accept, stop and resume."""

import asyncio
import secrets
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from bhtom_runtime.errors import NotFound
from bhtom_web.forms import Form, read_form
from bhtom_web.optional import attempt
from bhtom_web.pages.routing import page_router
from bhtom_web.pages.targets import find_target
from bhtom_web.pages.uploads import FILTERS
from bhtom_web.services import ApiProblem, Json
from bhtom_web.visits import SignedInVisit, Visit

router = page_router()
_PAGE_SIZE: Final = 50
_HERE: Final = "/api/v1/recalibrations"
_MJDS: Final = ("from_mjd", "until_mjd")
_TEXTS: Final = (
    *("passband", "catalogue", "method_other_than", "settings_other_than"),
    "software_older_than",
)
_FIELDS: Final = ("target_id", "camera_id", *_MJDS, *_TEXTS, "filter")
_STEPS: Final = {
    "accept": "recalibration-accepted",
    "stop": "recalibration-stopped",
    "resume": "recalibration-resumed",
    "discard": "recalibration-discarded",
}


@router.get("/recalibrations")
async def recalibration_list(visit: SignedInVisit, request: Request) -> HTMLResponse:
    """My re-calibrations, and the form for another one."""
    return await _list(visit, Form(request.query_params))


@router.post("/recalibrations")
async def ask(visit: SignedInVisit, request: Request) -> Response:
    """Begin with a preview; nothing is recorded before it is accepted."""
    form = Form(await read_form(request))
    selection: Json = {name: form.text(name) for name in _TEXTS if form.text(name)}
    await _choose_target(visit, form, selection)
    camera = form.number("camera_id", "5")
    if camera is not None:
        selection["camera_id"] = int(camera)
    for name in _MJDS:
        value = form.number(name, "61366.5")
        if value is not None:
            selection[name] = value
    changes: Json = {"newest_catalogue": form.checked("newest_catalogue")}
    if form.text("filter"):
        changes["filter"] = form.text("filter")
    body = {
        "selection": selection,
        "changes": changes,
        "idempotency_key": form.text("key") or secrets.token_hex(16),
    }
    if form.errors:
        return await _list(visit, form)
    try:
        answer = await visit.api.send("POST", "upload", _HERE, body)
    except ApiProblem as problem:
        if problem.status in (401, 404):
            raise
        form.refuse(problem, _FIELDS)
        return await _list(visit, form)
    return visit.go_to(
        f"/recalibrations/{answer.json['recalibration_id']}", done="recalibration"
    )


async def _choose_target(visit: Visit, form: Form, selection: Json) -> None:
    """People know their targets by name."""
    given = form.text("target_id")
    if not given:
        return
    try:
        selection["target_id"] = (await find_target(visit, given))["target_id"]
    except ApiProblem as problem:
        if problem.status != 404:
            raise
        form.errors["target_id"] = "There is no target of this name or number."


async def _list(visit: Visit, form: Form) -> HTMLResponse:
    answer, cameras = await asyncio.gather(
        visit.api.get("upload", _HERE, limit=_PAGE_SIZE, cursor=form.text("cursor")),
        attempt(visit.api.get("core", "/api/v1/cameras", limit=200)),
    )
    return visit.page(
        "recalibrations.html",
        422 if form.errors else 200,
        form=form,
        key=secrets.token_hex(16),
        filters=FILTERS,
        cameras=[(item["camera_id"], item["oname"]) for item in cameras.items],
        items=answer["items"],
        next_cursor=answer.get("next_cursor"),
    )


@router.get("/recalibrations/{recalibration_id}")
async def recalibration_details(
    visit: SignedInVisit, request: Request, recalibration_id: int
) -> HTMLResponse:
    """One re-calibration: its figures, and old and new of every product."""
    form = Form(request.query_params)
    here = f"{_HERE}/{recalibration_id}"
    one, page = await asyncio.gather(
        visit.api.get("upload", here),
        visit.api.get(
            "upload", f"{here}/items", limit=_PAGE_SIZE, cursor=form.text("cursor")
        ),
    )
    return visit.page(
        "_recalibration.html" if visit.is_partial else "recalibration.html",
        one=one,
        target_name=await _target_name(visit, one["selection"]),
        rows=[row for item in page["items"] for row in _rows(item)],
        next_cursor=page.get("next_cursor"),
        form=form,
    )


async def _target_name(visit: Visit, selection: Json) -> str:
    """What the selected target is called; nothing where nobody says."""
    number = selection.get("target_id")
    if number is None:
        return ""
    answer = await attempt(visit.api.get("core", f"/api/v1/targets/{number}"))
    return str((answer.value or {}).get("name", ""))


def _rows(item: Json) -> list[Json]:
    """One row a target and plane; a product without any is one row all the same."""
    common: dict[str, Any] = {
        "data_product_id": item["data_product_id"],
        "file_name": item["file_name"],
        "state": item["state"],
        "message": item["message"]
        or next(
            (
                answer["message"]
                for answer in item["answers"]
                if answer["outcome"] not in ("calibrated", "limit")
            ),
            "",
        ),
    }
    return [common | {"pair": pair} for pair in item["pairs"] or [None]]


@router.post("/recalibrations/{recalibration_id}/{step}")
async def go_on(visit: SignedInVisit, recalibration_id: int, step: str) -> Response:
    """Accept, stop, resume or discard."""
    if step not in _STEPS:
        raise NotFound("There is no such step.")
    await visit.api.send("POST", "upload", f"{_HERE}/{recalibration_id}/{step}")
    return visit.go_to(f"/recalibrations/{recalibration_id}", done=_STEPS[step])
