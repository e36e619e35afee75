"""Failures as pages: each with a sentence, and a way on."""

import re
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from bhtom_runtime.errors import ServiceError
from bhtom_runtime.tracing import current_trace_id
from bhtom_web.forms import FormTooLarge
from bhtom_web.services import ApiProblem, ServiceUnreachable
from bhtom_web.visits import ForeignOrigin, SignInNeeded, Visit, session_token

_logger = structlog.get_logger(__name__)
_NOT_FOUND: Final = "There is no such page here, or you may not see it."
_TITLES: Final = {
    400: "That cannot be done",
    403: "Not allowed",
    404: "Not found",
    405: "That cannot be done",
    409: "That cannot be done",
    413: "Too large",
    422: "That cannot be done",
    429: "Too many tries",
    502: "Not now",
    503: "Not now",
    504: "Not now",
    507: "No space left",
}


def failure_page(request: Request, status: int, sentence: str) -> Response:
    """A page (or, for htmx, a box) that says what went wrong."""
    visit = getattr(request.state, "visit", None)
    if not isinstance(visit, Visit):
        # Who asks is not looked up here: that may be the very thing that failed.
        token = session_token(request)
        api = request.app.state.services.acting_for(token)
        visit = Visit(request, api, user=None, core_answers=token is None)
    return visit.page(
        "_failure.html" if visit.is_partial else "failure.html",
        status,
        http_status=status,
        title=_TITLES.get(status, "Something went wrong"),
        sentence=sentence,
        trace_id=current_trace_id(),
    )


def go_to_sign_in(request: Request) -> Response:
    """The sign-in page, which leads back here."""
    came_from = request.headers.get("hx-current-url", "")
    here = re.sub(r"^https?://[^/]+", "", came_from) or request.url.path
    if not came_from and request.url.query:
        here += f"?{request.url.query}"
    address = "/sign-in?" + urlencode({"next": here})
    if request.headers.get("hx-request") == "true":
        return Response(headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


async def _api_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiProblem)  # noqa: S101 - narrows the type
    if error.status == HTTPStatus.UNAUTHORIZED:
        return go_to_sign_in(request)
    status = error.status if error.status < 500 else 503
    return failure_page(request, status, error.sentence)


async def _unreachable(request: Request, error: Exception) -> Response:
    return failure_page(request, 503, str(error))


async def _sign_in_needed(request: Request, _: Exception) -> Response:
    return go_to_sign_in(request)


async def _foreign_origin(request: Request, _: Exception) -> Response:
    return failure_page(
        request, 403, "This form was not sent from a page of this site; open it again."
    )


async def _too_large(request: Request, _: Exception) -> Response:
    return failure_page(request, 413, "The form holds more text than is taken here.")


async def _service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)  # noqa: S101 - narrows the type
    return failure_page(request, error.status, error.sentence)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type
    if error.status_code == HTTPStatus.NOT_FOUND:
        return failure_page(request, 404, _NOT_FOUND)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return failure_page(request, 405, "This address cannot be used in that way.")
    return failure_page(request, error.status_code, str(error.detail))


async def _invalid(request: Request, _: Exception) -> Response:
    return failure_page(request, 404, _NOT_FOUND)


async def _unexpected(request: Request, error: Exception) -> Response:
    _logger.error("request failed", exc_info=error)
    return failure_page(
        request,
        500,
        "Something went wrong here. It was logged; if it happens again, tell the "
        "operator the trace id below.",
    )


def install_failure_pages(app: FastAPI) -> None:
    """Answer errors with pages instead of the runtime's problem details."""
    app.add_exception_handler(ApiProblem, _api_problem)
    app.add_exception_handler(ServiceUnreachable, _unreachable)
    app.add_exception_handler(SignInNeeded, _sign_in_needed)
    app.add_exception_handler(ForeignOrigin, _foreign_origin)
    app.add_exception_handler(FormTooLarge, _too_large)
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)
