"""The API of light curves and points."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from sse_starlette import EventSourceResponse, ServerSentEvent

from bhtom_core.etags import CACHE_HEADERS, entity_tag, not_modified
from bhtom_core.ids import PathId
from bhtom_core.light_curves import hiding, presentation, reading, store
from bhtom_core.light_curves.plot_columns import light_curve_columns
from bhtom_core.light_curves.schemas import (
    Hiding,
    LightCurve,
    LightCurveColumns,
    PointDetails,
    Unhiding,
)
from bhtom_core.light_curves.summaries import NO_LIGHT_CURVE, Summary, summaries
from bhtom_core.rows import Record
from bhtom_core.targets.store import target_by_id
from bhtom_core.visibility import Reader
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import NotFound
from bhtom_runtime.service import Context

_NEWS_AT_MOST_EVERY_S = 0.2


def light_curve_router(context: Context) -> APIRouter:
    """Light curves of targets, as JSON, as CSV, and news of them."""
    router = APIRouter(prefix="/api/v1/targets", tags=["light curves"])
    Caller: TypeAlias = Annotated[Principal | None, Depends(context.auth.optional)]

    @router.get("/{target_id}/light-curve", response_model=LightCurve)
    async def as_json(
        target_id: PathId, caller: Caller, request: Request, hidden: bool = False
    ) -> Response:
        """The points of a target in the order of time."""
        found = await _read(context, request, target_id, Reader.of(caller), hidden)
        if isinstance(found, Response):
            return found
        body = await presentation.light_curve_json(found.head, found.rows)
        return Response(body, media_type="application/json", headers=found.headers())

    @router.get("/{target_id}/light-curve/columns", response_model=LightCurveColumns)
    async def as_columns(
        target_id: PathId, caller: Caller, request: Request, hidden: bool = False
    ) -> Response:
        """Only what a plot needs, a list for each column: small and quick."""
        found = await _read(
            context, request, target_id, Reader.of(caller), hidden, reading.PLOT_FIELDS
        )
        if isinstance(found, Response):
            return found
        body = await light_curve_columns(found.head, found.rows)
        return Response(body, media_type="application/json", headers=found.headers())

    _add_downloads(router, context)

    @router.get("/{target_id}/events", response_class=EventSourceResponse)
    async def events(
        target_id: PathId, caller: Caller, request: Request
    ) -> EventSourceResponse:
        """Says whenever the light curve has changed: event `light_curve`."""
        reader = Reader.of(caller)
        await _target(context, target_id, reader)
        seen = _last_seen(request)
        return EventSourceResponse(_news(context, target_id, reader, seen), ping=15)

    return router


def _add_downloads(router: APIRouter, context: Context) -> None:
    Caller: TypeAlias = Annotated[Principal | None, Depends(context.auth.optional)]

    @router.get(
        "/{target_id}/light-curve.csv",
        response_class=Response,
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    async def as_csv(
        target_id: PathId, caller: Caller, request: Request, hidden: bool = False
    ) -> Response:
        """The same points as a table."""
        found = await _read(context, request, target_id, Reader.of(caller), hidden)
        if isinstance(found, Response):
            return found
        return Response(
            await presentation.light_curve_csv(found.rows),
            media_type="text/csv; charset=utf-8",
            headers=found.headers(file_type="csv"),
        )

    @router.get(
        "/{target_id}/light-curve.ndjson",
        response_class=Response,
        responses={200: {"content": {"application/x-ndjson": {}}}},
    )
    async def as_lines(
        target_id: PathId, caller: Caller, request: Request, hidden: bool = False
    ) -> Response:
        """The same points as in the JSON, one a line, sent as they are written."""
        found = await _read(context, request, target_id, Reader.of(caller), hidden)
        if isinstance(found, Response):
            return found
        return StreamingResponse(
            presentation.light_curve_lines(found.rows),
            media_type="application/x-ndjson",
            headers=found.headers(file_type="ndjson"),
        )


def point_router(context: Context) -> APIRouter:
    """Single points: where they come from, and whether they count."""
    router = APIRouter(prefix="/api/v1/points", tags=["light curves"])
    Caller: TypeAlias = Annotated[Principal | None, Depends(context.auth.optional)]
    Writer: TypeAlias = Annotated[Principal, Depends(context.auth.require("write"))]

    @router.get("/{point_id}")
    async def by_id(point_id: PathId, caller: Caller) -> PointDetails:
        """A point with its revisions and its error budget."""
        return await _details(context, point_id, Reader.of(caller))

    @router.post("/{point_id}/hide")
    async def hide(point_id: PathId, given: Hiding, caller: Writer) -> PointDetails:
        """Take a point off the light curve, with a reason."""
        async with context.database.unit_of_work() as unit:
            await hiding.hide(unit, caller, point_id, given.reason)
        return await _details(context, point_id, Reader.of(caller))

    @router.post("/{point_id}/unhide")
    async def unhide(
        point_id: PathId, caller: Writer, given: Unhiding | None = None
    ) -> PointDetails:
        """Put a hidden point back."""
        reason = given.reason if given else ""
        async with context.database.unit_of_work() as unit:
            await hiding.unhide(unit, caller, point_id, reason)
        return await _details(context, point_id, Reader.of(caller))

    return router


async def _target(context: Context, target_id: int, reader: Reader) -> Record:
    async with context.database.read() as connection:
        target = await target_by_id(connection, target_id, reader)
    if target is None:
        raise NotFound(f"There is no target {target_id}.", code="target_not_found")
    return target


async def _summary(context: Context, target_id: int, reader: Reader) -> Summary:
    async with context.database.read() as connection:
        found = await summaries(connection, reader, [target_id])
    return found.get(target_id, NO_LIGHT_CURVE)


@dataclass(frozen=True, slots=True)
class _Found:
    """A light curve that is sent, whatever its form."""

    target: Record
    version: int
    tag: str
    rows: list[Record]
    left_out: reading.LeftOut

    @property
    def head(self) -> dict[str, Any]:
        """What stands before the points."""
        return {
            "target_id": self.target.target_id,
            "name": self.target.name,
            "version": self.version,
            "left_out": asdict(self.left_out),
        }

    def headers(self, file_type: str | None = None) -> dict[str, str]:
        """Tag, caching, what is left out, and a file's name for a download."""
        headers = {
            "ETag": self.tag,
            **CACHE_HEADERS,
            "Left-Out": f"hidden={self.left_out.hidden}, poor={self.left_out.poor}",
        }
        if file_type is not None:
            file_name = quote(f"{self.target.name}_light_curve.{file_type}")
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{file_name}"
            headers["X-Content-Type-Options"] = "nosniff"
        return headers


async def _read(
    context: Context,
    request: Request,
    target_id: int,
    reader: Reader,
    hidden: bool,
    fields: Sequence[str] = reading.POINT_FIELDS,
) -> Response | _Found:
    """A 304, or the light curve."""
    target = await _target(context, target_id, reader)
    # Read before the points, so that a change in between only makes the tag too old.
    summary = await _summary(context, target_id, reader)
    tag = entity_tag(
        "light curve", request.url.path, target.version, summary, reader, hidden
    )
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    async with context.database.read() as connection:
        rows, left_out = await reading.light_curve(
            connection, target_id, reader, hidden=hidden, fields=fields
        )
    return _Found(target, summary.version, tag, rows, left_out)


async def _details(context: Context, point_id: int, reader: Reader) -> PointDetails:
    async with context.database.read() as connection:
        row = await reading.point(connection, point_id, reader)
        revisions = await store.revisions_of(connection, point_id) if row else ()
    if row is None:
        raise NotFound(f"There is no point {point_id}.", code="point_not_found")
    shown = row._asdict() | presentation.point_json(row)
    shown["revisions"] = [
        {**one._asdict(), "current": one.revision == row.current_revision}
        for one in revisions
    ]
    return PointDetails.model_validate(shown)


def _last_seen(request: Request) -> int:
    given = request.headers.get("last-event-id", "")
    return int(given) if given.isdecimal() and len(given) < 19 else -1


async def _news(
    context: Context, target_id: int, reader: Reader, seen: int
) -> AsyncIterator[ServerSentEvent]:
    turns = context.notifications.subscribe(at_most_every_s=_NEWS_AT_MOST_EVERY_S)
    async for _ in turns:
        async with context.database.read() as connection:
            if await target_by_id(connection, target_id, reader) is None:
                return
        summary = await _summary(context, target_id, reader)
        if summary.version > seen:
            seen = summary.version
            data = {"version": summary.version, "point_count": summary.point_count}
            yield ServerSentEvent(
                orjson.dumps(data).decode(), event="light_curve", id=str(seen)
            )
