"""One visit: who asks for a page, with which rights, and how it is made for them."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment

from bhtom_runtime.auth import SESSION_COOKIE
from bhtom_web.protection import comes_from_our_pages
from bhtom_web.services import Api, ApiProblem, Json, Services, ServiceUnreachable

_TOKEN: Final = re.compile(r"^[0-9a-f]{40}$")

# Said after a form was carried out; only these can be named in an address.
NOTICES: Final = {
    "signed-out": "You are signed out.",
    "target-created": "The target is registered.",
    "target-saved": "The target is saved.",
    "camera-registered": (
        "The camera is registered. An administrator has to approve it before frames "
        "of it can be uploaded."
    ),
    "observatory-registered": "The observatory is registered.",
    "camera-saved": "The camera is saved as a new version.",
    "camera-restored": "The earlier version is the newest one again.",
    "camera-follows-rule": "The camera follows the operator's rule.",
    "camera-left-rule": "The camera no longer follows the operator's rule.",
    "camera-approved": "The camera is approved.",
    "camera-rejected": "The camera is rejected.",
    "camera-activated": "The camera is active.",
    "camera-deactivated": "The camera is not active any more.",
    "retry": "The frame is calibrated once more.",
    "ruling": "The ruling is kept; it holds for frames calibrated from now on.",
    "ruling-withdrawn": "The ruling is withdrawn.",
    "recalibration": "The frames are being calibrated again, as a preview.",
    "recalibration-accepted": "Accepted: the new values are being recorded.",
    "recalibration-stopped": "Stopped.",
    "recalibration-resumed": "It goes on.",
    "recalibration-discarded": "Discarded: nothing more is recorded.",
    "password-changed": "The password is changed. Sign in with the new one.",
    "person-created": "The account is made.",
    "person-changed": "The account is changed.",
    "token-revoked": "The token is revoked.",
    "harvest": "The archive is asked as soon as its turn comes.",
    "point-hidden": "The point is hidden.",
    "point-shown": "The point is shown again.",
}


class SignInNeeded(Exception):
    """This page is for people who signed in."""


class ForeignOrigin(Exception):
    """A form was sent by another site's page."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request, the APIs with the visitor's rights, and the visitor where known."""

    request: Request
    api: Api
    user: Json | None
    core_answers: bool = True

    @property
    def may_be_signed_in(self) -> bool:
        """Signed in, or nobody can tell because core does not answer."""
        return self.user is not None or (
            self.api.token is not None and not self.core_answers
        )

    @property
    def is_admin(self) -> bool:
        """Whether an administrator asks."""
        return bool(self.user and self.user.get("is_admin"))

    @property
    def is_partial(self) -> bool:
        """Whether htmx asks for a part of a page."""
        return self.request.headers.get("hx-request") == "true"

    def owns(self, thing: Json) -> bool:
        """Whether the visitor may change it, as far as a page can know."""
        if self.user is None:
            return False
        return self.is_admin or thing.get("owner_id") == self.user.get("user_id")

    def require_sign_in(self) -> None:
        """Send visitors without a session to the sign-in page."""
        if not self.may_be_signed_in:
            raise SignInNeeded

    def page(self, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """A page, or a part of one."""
        environment: Environment = self.request.app.state.templates
        text = environment.get_template(template).render(
            visit=self,
            user=self.user,
            path=self.request.url.path,
            notice=NOTICES.get(self.request.query_params.get("done", "")),
            **context,
        )
        return HTMLResponse(text, status)

    def go_to(self, path: str, done: str | None = None) -> Response:
        """Go on to another page after a form; `done` names what is said there."""
        if done is not None:
            path += ("&" if "?" in path else "?") + urlencode({"done": done})
        if self.is_partial:
            return Response(headers={"HX-Redirect": path})
        return RedirectResponse(path, status_code=303)


def session_token(request: Request) -> str | None:
    """The session of the browser, if the cookie can be one."""
    token = request.cookies.get(SESSION_COOKIE, "")
    return token if _TOKEN.match(token) else None


async def open_visit(request: Request) -> Visit:
    """Find out who asks, once a request; a form must come from our own pages."""
    visit = getattr(request.state, "visit", None)
    if not isinstance(visit, Visit):
        visit = await _find_visitor(request)
        request.state.visit = visit
    return visit


async def _find_visitor(request: Request) -> Visit:
    if request.method not in ("GET", "HEAD") and not comes_from_our_pages(
        request, request.app.state.settings.public_url
    ):
        raise ForeignOrigin
    services: Services = request.app.state.services
    address = request.client.host if request.client else None
    token = session_token(request)
    api = services.acting_for(token, address)
    if token is None:
        return Visit(request, api, None)
    try:
        user = await api.get("core", "/api/v1/me")
    except ServiceUnreachable:
        return Visit(request, api, None, core_answers=False)
    except ApiProblem as problem:
        if problem.status in (401, 403):
            return Visit(request, services.acting_for(None, address), None)
        return Visit(request, api, None, core_answers=False)
    return Visit(request, api, user)


CurrentVisit = Annotated[Visit, Depends(open_visit)]


async def signed_in_visit(visit: CurrentVisit) -> Visit:
    """A visit by somebody who signed in."""
    visit.require_sign_in()
    return visit


SignedInVisit = Annotated[Visit, Depends(signed_in_visit)]
