"""`/api/v1/data-products`: state, history, file, retry and live changes."""

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sse_starlette import EventSourceResponse, ServerSentEvent

from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Invalid, NotFound, ServiceError
from bhtom_runtime.pagination import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    decode_cursor,
    encode_cursor,
)
from bhtom_runtime.service import Context
from bhtom_upload.data_products.domain import State
from bhtom_upload.data_products.reading import Reader, Wanted
from bhtom_upload.data_products.retrying import retry
from bhtom_upload.data_products.schemas import (
    DataProductOut,
    DataProductPage,
    RetryIn,
)
from bhtom_upload.data_products.stream import Watched, changes
from bhtom_upload.intake.fields import without_blanks
from bhtom_upload.replicas.directory import Directory

_BIGINT = (1 << 63) - 1


class ListQuery(BaseModel):
    """Which products a list shall hold; a misspelt name is an error."""

    model_config = ConfigDict(extra="forbid")

    mine: bool = True
    state: str | None = Field(default=None, description="One or more, with commas.")
    target: str | None = Field(default=None, description="Name or id.")
    camera: str | None = Field(default=None, description="ONAME or id.")
    batch: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str | None = None

    _blanks = model_validator(mode="before")(without_blanks)

    def wanted(self) -> Wanted:
        """The choices, checked."""
        return Wanted(
            mine=self.mine,
            states=_states(self.state),
            target=_text("target", self.target),
            camera=_text("camera", self.camera),
            batch=_text("batch", self.batch),
            since=self.since,
            until=self.until,
            before_id=_before(self.cursor),
        )


def data_products_router(
    context: Context, directory: Directory, reader: Reader
) -> APIRouter:
    """The routes that show data products and ask for them again."""
    router = APIRouter(prefix="/api/v1/data-products", tags=["data products"])
    _add_list(router, context, reader)
    _add_stream(router, context, reader)
    _add_file(router, context, reader)
    _add_one(router, context, directory, reader)
    return router


def _add_list(router: APIRouter, context: Context, reader: Reader) -> None:
    viewer = Depends(context.auth.require("read"))

    @router.get("")
    async def list_data_products(
        caller: Annotated[Principal, viewer], query: Annotated[ListQuery, Query()]
    ) -> DataProductPage:
        """Data products, the newest first."""
        items = await reader.page(query.wanted(), caller, query.limit + 1)
        more = len(items) > query.limit
        items = items[: query.limit]
        following = encode_cursor({"id": items[-1].data_product_id}) if more else None
        return DataProductPage(items=items, next_cursor=following)


def _add_stream(router: APIRouter, context: Context, reader: Reader) -> None:
    authenticated = context.auth.require("read")
    viewer = Depends(authenticated)

    @router.get("/events", response_class=EventSourceResponse)
    async def stream_data_products(
        request: Request,
        caller: Annotated[Principal, viewer],
        batch: str | None = None,
        id: Annotated[int | None, Query(ge=1, le=_BIGINT)] = None,  # noqa: A002
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> EventSourceResponse:
        """Changes of the caller's own products as server-sent events."""
        found = changes(
            context.database,
            context.notifications,
            reader,
            caller,
            Watched(_text("batch", batch), id),
            _event_id(last_event_id),
        )

        async def events() -> AsyncIterator[ServerSentEvent]:
            async for stage, product in found:
                # A stream may live longer than its token; who asks again is told why.
                try:
                    await authenticated(request)
                except ServiceError:
                    return
                yield ServerSentEvent(
                    event="data_product",
                    id=str(stage),
                    data=product.model_dump_json(exclude={"stages"}),
                )

        return EventSourceResponse(events())


def _add_file(router: APIRouter, context: Context, reader: Reader) -> None:
    viewer = Depends(context.auth.require("read"))

    @router.get("/{data_product_id}/file", response_class=StreamingResponse)
    async def get_file(
        data_product_id: int, caller: Annotated[Principal, viewer]
    ) -> StreamingResponse:
        """The file as it was uploaded."""
        file = await reader.file(_id(data_product_id), caller)
        return StreamingResponse(
            context.objects.read(file.object_key),
            media_type="application/octet-stream",
            headers={
                "Content-Length": str(file.size_bytes),
                "Content-Disposition": _disposition(file.file_name),
                "ETag": f'"{file.sha256}"',
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": "sandbox",
                "Cache-Control": "private",
            },
        )


def _add_one(
    router: APIRouter, context: Context, directory: Directory, reader: Reader
) -> None:
    viewer = Depends(context.auth.require("read"))
    uploader = Depends(context.auth.require("upload"))

    @router.get("/{data_product_id}")
    async def get_data_product(
        data_product_id: int, caller: Annotated[Principal, viewer]
    ) -> DataProductOut:
        """One data product with all its stages."""
        return await reader.one(_id(data_product_id), caller)

    @router.post("/{data_product_id}/retry", status_code=202)
    async def retry_data_product(
        data_product_id: int,
        caller: Annotated[Principal, uploader],
        wanted: RetryIn | None = None,
    ) -> DataProductOut:
        """Calibrate again, with the target and the camera as they are now."""
        number = _id(data_product_id)
        await retry(
            context.database, directory, reader, number, caller, wanted or RetryIn()
        )
        return await reader.one(number, caller)


def _id(data_product_id: int) -> int:
    # Larger numbers are no error of the caller's form, there is just no such thing.
    if not 0 < data_product_id <= _BIGINT:
        raise NotFound("There is no data product with this number.")
    return data_product_id


def _states(text: str | None) -> tuple[State, ...]:
    if text is None:
        return ()
    try:
        return tuple(State(name.strip()) for name in text.split(",") if name.strip())
    except ValueError as error:
        raise Invalid(
            f"state: the states are {', '.join(State)}.", code="invalid_field"
        ) from error


def _text(field: str, text: str | None) -> str | None:
    if text is not None and not text.isprintable():
        raise Invalid(f"{field}: this is no name.", code="invalid_field")
    return text or None


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    position: int = decode_cursor(cursor, {"id": int})["id"]
    return position


def _event_id(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    return min(int(text), _BIGINT)


def _disposition(file_name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(file_name, safe='')}"
