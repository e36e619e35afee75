"""Signing in and out."""

from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from bhtom_runtime.auth import SESSION_COOKIE
from bhtom_web.forms import Form, read_form
from bhtom_web.optional import attempt
from bhtom_web.pages.routing import page_router
from bhtom_web.protection import local_path
from bhtom_web.services import ApiProblem
from bhtom_web.visits import CurrentVisit

router = page_router()
_FIELDS: Final = ("username", "password")


@router.get("/sign-in")
async def sign_in_page(visit: CurrentVisit, request: Request) -> Response:
    """The form; who is signed in goes on at once."""
    onward = local_path(request.query_params.get("next"))
    if visit.user is not None:
        return visit.go_to(onward)
    return visit.page("sign_in.html", form=Form(), onward=onward)


@router.post("/sign-in")
async def sign_in(visit: CurrentVisit, request: Request) -> Response:
    """Pass name and password on to core, and its cookie to the browser."""
    values = await read_form(request)
    form = Form(values)
    onward = local_path(values.get("next"))
    form.require(*_FIELDS)
    if form.errors:
        return _again(visit, form, onward, 422)
    try:
        answer = await visit.api.send(
            "POST",
            "core",
            "/api/v1/session",
            {name: values[name] for name in _FIELDS},
        )
    except ApiProblem as problem:
        form.errors[""] = problem.sentence
        return _again(visit, form, onward, min(problem.status, 499))
    response = visit.go_to(onward)
    for cookie in answer.set_cookies:
        if cookie.startswith(f"{SESSION_COOKIE}="):
            response.headers.append("set-cookie", cookie)
    return response


@router.post("/sign-out")
async def sign_out(visit: CurrentVisit) -> Response:
    """End the session everywhere, and forget it here in any case."""
    if visit.api.token is not None:
        await attempt(visit.api.send("DELETE", "core", "/api/v1/session"))
    response = visit.go_to("/", done="signed-out")
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax")
    return response


@router.get("/sign-out")
async def sign_out_page(visit: CurrentVisit) -> HTMLResponse:
    """A button, because an address alone must not sign anybody out."""
    return visit.page("sign_out.html")


def _again(visit: CurrentVisit, form: Form, onward: str, status: int) -> HTMLResponse:
    return visit.page("sign_in.html", status, form=form, onward=onward)
