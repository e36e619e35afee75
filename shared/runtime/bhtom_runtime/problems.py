"""Errors as RFC 9457 problem details: a stable code and a sentence."""

from http import HTTPStatus
from typing import Any, Final

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from bhtom_runtime.errors import ServiceError
from bhtom_runtime.failures import is_transient, sentence_of
from bhtom_runtime.tracing import current_trace_id

# A table of thousands of wrong rows is told of its first.
_MOST_FIELDS: Final = 20

_logger = structlog.get_logger(__name__)


def problem(
    status: int,
    code: str,
    sentence: str,
    *,
    headers: dict[str, str] | None = None,
    **details: Any,
) -> JSONResponse:
    """An answer of type application/problem+json."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": sentence,
        "code": code,
        "trace_id": current_trace_id(),
        **details,
    }
    return JSONResponse(
        body, status, headers=headers, media_type="application/problem+json"
    )


# Of what is met most: pydantic's own words speak to programmers.
_PLAIN_WORDS: Final = {
    "extra_forbidden": "There is no such field here, look at its spelling",
    "missing": "This field is needed",
}


async def _service_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)  # noqa: S101 - narrows the type
    headers: dict[str, str] = {}
    if error.retryable or error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s or 5)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Token"
    return problem(
        error.status, error.code, error.sentence, headers=headers, **error.details
    )


async def _validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - narrows the type
    fields = [_field_error(item) for item in error.errors()[:_MOST_FIELDS]]
    sentence = "; ".join(f"{item['field']}: {item['message']}" for item in fields)
    return problem(422, "invalid", sentence, fields=fields)


def _field_error(item: dict[str, Any]) -> dict[str, str]:
    """What is wrong with which field, in words."""
    if item["type"] == "json_invalid":
        return {"field": "body", "message": "This is not valid JSON."}
    field = ".".join(str(part) for part in item["loc"][1:])
    # What our own rules say comes with pydantic's word for it before.
    told = item["msg"].removeprefix("Value error, ")
    message = _PLAIN_WORDS.get(item["type"], told)
    return {"field": field or "body", "message": message}


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, code, str(error.detail), headers=headers)


async def _database_error(request: Request, error: Exception) -> JSONResponse:
    """A database that is away is no fault of the request: it may be sent again."""
    if not is_transient(error):
        return await _unexpected(request, error)
    _logger.warning("the database does not answer", error=sentence_of(error))
    return problem(
        503,
        "unavailable",
        "The database does not answer now; send the same request again.",
        headers={"Retry-After": "5"},
    )


async def _unexpected(_: Request, error: Exception) -> JSONResponse:
    _logger.error("request failed", exc_info=error)
    return problem(
        500,
        "internal_error",
        "Something went wrong here; it was logged under the trace id given.",
    )


def install_problems(app: FastAPI) -> None:
    """Answer every error of an application with problem details."""
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    for away in (SQLAlchemyError, asyncpg.PostgresError, ConnectionError):
        app.add_exception_handler(away, _database_error)
    app.add_exception_handler(Exception, _unexpected)
