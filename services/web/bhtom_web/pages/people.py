"""Accounts, for administrators."""

from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from bhtom_web.forms import Form, read_form
from bhtom_web.pages.routing import page_router
from bhtom_web.services import ApiProblem, Json
from bhtom_web.visits import SignedInVisit, Visit

router = page_router()
_FIELDS: Final = ("username", "password", "full_name", "email")


@router.get("/people")
async def people(visit: SignedInVisit) -> HTMLResponse:
    """Everybody who has an account."""
    return await _people(visit, Form())


@router.post("/people")
async def create_person(visit: SignedInVisit, request: Request) -> Response:
    """Make an account."""
    form = Form(await read_form(request))
    form.require("username", "password")
    if form.errors:
        return await _people(visit, form, 422)
    body: Json = {name: form.text(name) for name in _FIELDS}
    body["is_admin"] = form.checked("is_admin")
    try:
        await visit.api.send("POST", "core", "/api/v1/users", body)
    except ApiProblem as problem:
        if problem.status in (401, 403):
            raise
        form.refuse(problem, _FIELDS)
        return await _people(visit, form, problem.status)
    return visit.go_to("/people", done="person-created")


@router.post("/people/{user_id}")
async def change_person(
    visit: SignedInVisit, request: Request, user_id: int
) -> Response:
    """Take an account out of use, or back into it."""
    is_active = (await read_form(request)).get("is_active") == "true"
    await visit.api.send(
        "PATCH", "core", f"/api/v1/users/{user_id}", {"is_active": is_active}
    )
    return visit.go_to("/people", done="person-changed")


async def _people(visit: Visit, form: Form, status: int = 200) -> HTMLResponse:
    answer = await visit.api.get("core", "/api/v1/users", limit=200)
    return visit.page("people.html", status, form=form, people=answer["items"])
