"""The visitor's own page: who I am, and my tokens."""

from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from bhtom_runtime.auth import SESSION_COOKIE
from bhtom_web.forms import Form, read_form
from bhtom_web.pages.routing import page_router
from bhtom_web.services import ApiProblem, Json
from bhtom_web.visits import SignedInVisit, Visit

router = page_router()
SCOPES: Final = (
    ("read", "read", "See what I may see."),
    ("write", "write", "Register and change targets and cameras; hide points."),
    ("upload", "upload", "Upload frames."),
)
_USUAL: Final = {"read": "on", "upload": "on", "expires_in_days": "365"}
_PASSWORDS: Final = ("current_password", "new_password")
_LIFETIMES: Final = (
    ("30", "30 days"),
    ("365", "1 year"),
    ("1825", "5 years"),
)


@router.get("/profile")
async def profile(visit: SignedInVisit) -> HTMLResponse:
    """My account and its tokens."""
    return await _profile(visit, Form(_USUAL))


@router.post("/profile/tokens")
async def create_token(visit: SignedInVisit, request: Request) -> HTMLResponse:
    """Make a token; it is shown this once."""
    form = Form(await read_form(request))
    form.require("name")
    scopes = [name for name, _, _ in SCOPES if form.checked(name)]
    if not scopes:
        form.errors["scopes"] = "Choose at least one thing that the token may do."
    days = form.number("expires_in_days", "365")
    if form.errors:
        return await _profile(visit, form, 422)
    body: Json = {
        "name": form.text("name"),
        "scopes": scopes,
        "expires_in_days": int(days or 365),
    }
    try:
        answer = await visit.api.send("POST", "core", "/api/v1/tokens", body)
    except ApiProblem as problem:
        if problem.status == 401:
            raise
        form.refuse(problem, ("name", "scopes", "expires_in_days"))
        return await _profile(visit, form, problem.status)
    fresh = Form(_USUAL)
    return await _profile(visit, fresh, 201, new_token=answer.json)


@router.post("/profile/password")
async def change_password(visit: SignedInVisit, request: Request) -> Response:
    """Change one's own password; core ends all sessions with it."""
    form = Form(await read_form(request))
    form.require(*_PASSWORDS)
    if form.errors:
        return await _profile(visit, form, 422)
    body: Json = {name: form.text(name) for name in _PASSWORDS}
    try:
        await visit.api.send("POST", "core", "/api/v1/me/password", body)
    except ApiProblem as problem:
        if problem.status == 401:
            raise
        # Core speaks of "the password" when it means the new one.
        form.refuse(problem, (*_PASSWORDS, "password"))
        if "password" in form.errors:
            form.errors["new_password"] = form.errors.pop("password")
        return await _profile(visit, form, problem.status)
    response = visit.go_to("/sign-in", done="password-changed")
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax")
    return response


@router.post("/profile/tokens/{token_id}/revoke")
async def revoke_token(visit: SignedInVisit, token_id: int) -> Response:
    """End a token; whoever uses it is refused from now on."""
    await visit.api.send("DELETE", "core", f"/api/v1/tokens/{token_id}")
    return visit.go_to("/profile", done="token-revoked")


async def _profile(
    visit: Visit, form: Form, status: int = 200, new_token: Json | None = None
) -> HTMLResponse:
    answer = await visit.api.get("core", "/api/v1/tokens", limit=200)
    tokens = sorted(answer["items"], key=lambda item: bool(item.get("revoked_at")))
    return visit.page(
        "profile.html",
        status,
        form=form,
        tokens=tokens,
        new_token=new_token,
        scopes=SCOPES,
        lifetimes=_LIFETIMES,
    )
