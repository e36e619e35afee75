"""`POST /api/token-auth/`: how every BHTOM client gets its token."""

from typing import Annotated, Any
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile

from bhtom_core.people import tokens
from bhtom_core.people.api import address_of
from bhtom_core.people.sign_in import SignIn
from bhtom_runtime.auth import public
from bhtom_runtime.service import Context

_LIMIT_BYTES = 16_384
_REQUIRED = "This field is required."
_BLANK = "This field may not be blank."
_NO_LOGIN = {"non_field_errors": ["Unable to log in with provided credentials."]}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        kind: {
            "schema": {
                "type": "object",
                "required": ["username", "password"],
                "properties": {
                    "username": {"type": "string"},
                    "password": {"type": "string", "format": "password"},
                },
            }
        }
        for kind in ("application/json", "application/x-www-form-urlencoded")
    },
}


class _BadBody(Exception):
    """The body is neither a form nor a JSON object."""


def token_auth_router(context: Context, sign_in: SignIn) -> APIRouter:
    """The endpoint, with and without its last slash."""
    router = APIRouter(tags=["BHTOM2"])

    async def token_auth(
        request: Request, _: Annotated[None, Depends(public)]
    ) -> JSONResponse:
        """A token for a name and a password; older tokens stay valid."""
        try:
            given = await _fields(request)
        except _BadBody as error:
            return JSONResponse({"detail": str(error)}, 400)
        problems = {
            name: [_BLANK if name in given else _REQUIRED]
            for name in ("username", "password")
            if not given.get(name, "").strip()
        }
        if problems:
            return JSONResponse(problems, 400)
        user = await sign_in.check(
            given["username"], given["password"], address_of(request)
        )
        if user is None:
            return JSONResponse(_NO_LOGIN, 400)
        async with context.database.unit_of_work() as unit:
            text = await tokens.issue_for_script(unit, user)
        return JSONResponse({"token": text})

    for path, listed in (("/api/token-auth/", True), ("/api/token-auth", False)):
        router.add_api_route(
            path,
            token_auth,
            methods=["POST"],
            include_in_schema=listed,
            response_class=JSONResponse,
            openapi_extra={"requestBody": _BODY},
        )
    return router


async def _fields(request: Request) -> dict[str, str]:
    """The text fields of a body, whatever its content type claims."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        form = await request.form(max_files=0, max_fields=20)
        return {k: v for k, v in form.items() if not isinstance(v, UploadFile)}
    body = await _short_body(request)
    if kind == "application/x-www-form-urlencoded":
        pairs = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
        return dict(pairs)
    try:
        found = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError as error:
        raise _BadBody(f"JSON parse error - {error}") from error
    if not isinstance(found, dict):
        raise _BadBody("JSON parse error - an object is expected.")
    return {k: v for k, v in found.items() if isinstance(v, str)}


async def _short_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LIMIT_BYTES:
            raise _BadBody("The body is too long.")
    return bytes(body)
