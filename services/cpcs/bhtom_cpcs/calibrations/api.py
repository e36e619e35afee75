"""Calibrations and their plots for readers."""

import asyncio
import gzip
from collections.abc import Collection
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Row

from bhtom_contracts.outcomes import OUTCOMES, Outcome
from bhtom_cpcs.calibrations.explanations import (
    DetailFormat,
    KeptDrawings,
    drawn_details,
)
from bhtom_cpcs.calibrations.reading import (
    find_calibration,
    lenders_seen,
    list_calibrations,
    shown_decisions,
)
from bhtom_cpcs.calibrations.schemas import (
    Calibration,
    CalibrationLinks,
    CalibrationList,
    PinnedInputs,
)
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import NotFound
from bhtom_runtime.pagination import decode_cursor, encode_cursor
from bhtom_runtime.service import Context

PREFIX: Final = "/api/v1/calibrations"
_DRAWING_S: Final = 60.0
_MOST_KEPT_BYTES: Final = 32 << 20  # some hundred drawings
_MEDIA: Final = {"png": "image/png", "svg": "image/svg+xml"}
# The pictures of the frame lie in the drawing itself.
_ONLY_DRAW: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
)
_MAX_ID: Final = 2**63 - 1
Id = Annotated[int, Path(ge=1, le=_MAX_ID)]


def calibrations_router(context: Context) -> APIRouter:
    """The routes of this slice."""
    router = APIRouter(prefix=PREFIX, tags=["calibrations"])
    caller_dependency = Depends(context.auth.optional)

    async def shown(calibration_id: int, caller: Principal | None) -> Row[Any]:
        async with context.database.read() as connection:
            row = await find_calibration(connection, caller, calibration_id)
        if row is None:
            raise NotFound(
                f"There is no calibration {calibration_id} that you may see."
            )
        return row

    @router.get("", summary="Calibrations, newest first")
    async def calibrations(
        caller: Annotated[Principal | None, caller_dependency],
        data_product_id: Annotated[int | None, Query(ge=1, le=_MAX_ID)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: str | None = None,
    ) -> CalibrationList:
        async with context.database.read() as connection:
            rows = await list_calibrations(
                connection,
                caller,
                data_product_id=data_product_id,
                before_id=_before(cursor) if cursor else None,
                limit=limit,
            )
            seen = await lenders_seen(connection, caller, rows[:limit])
        page = [_calibration(row, seen) for row in rows[:limit]]
        more = len(rows) > limit
        following = encode_cursor({"id": page[-1].calibration_id}) if more else None
        return CalibrationList(items=page, next_cursor=following)

    @router.get("/{calibration_id}", summary="One calibration with all its figures")
    async def calibration(
        calibration_id: Id,
        caller: Annotated[Principal | None, caller_dependency],
    ) -> Calibration:
        row = await shown(calibration_id, caller)
        async with context.database.read() as connection:
            seen = await lenders_seen(connection, caller, [row])
        return _calibration(row, seen)

    @router.get(
        "/{calibration_id}/plot.png",
        summary="The diagnostic plot",
        response_class=Response,
        responses={200: {"content": {"image/png": {}}}},
    )
    async def plot(
        request: Request,
        calibration_id: Id,
        caller: Annotated[Principal | None, caller_dependency],
    ) -> Response:
        row = await shown(calibration_id, caller)
        if row.plot_key is None:
            raise NotFound(f"Calibration {calibration_id} has no plot.", code="no_plot")
        headers = _headers(row.plot_key)
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return StreamingResponse(
            context.objects.read(row.plot_key), media_type="image/png", headers=headers
        )

    drawings = KeptDrawings(_MOST_KEPT_BYTES)

    async def explained(row: Row[Any]) -> bytes:
        chunks = [chunk async for chunk in context.objects.read(row.explanation_key)]
        return b"".join(chunks)

    @router.get("/{calibration_id}/explanation", summary="The data behind the plots")
    async def explanation(
        request: Request,
        calibration_id: Id,
        caller: Annotated[Principal | None, caller_dependency],
    ) -> Response:
        row = _explicable(await shown(calibration_id, caller))
        headers = _headers(row.explanation_key)
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        packed = await explained(row)
        content = await asyncio.to_thread(gzip.decompress, packed)
        return Response(content, media_type="application/json", headers=headers)

    @router.get(
        "/{calibration_id}/details.{image_format}",
        summary="Residuals, bands, growth curve and star image, drawn when asked for",
        response_class=Response,
        responses={200: {"content": {"image/png": {}, "image/svg+xml": {}}}},
    )
    async def details(
        request: Request,
        calibration_id: Id,
        image_format: DetailFormat,
        caller: Annotated[Principal | None, caller_dependency],
    ) -> Response:
        row = _explicable(await shown(calibration_id, caller))
        headers = _headers(row.explanation_key)
        # An SVG opened by itself is a document: it may run and load nothing.
        headers["Content-Security-Policy"] = _ONLY_DRAW
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)

        async def draw() -> bytes:
            image: bytes = await context.pool.run(
                drawn_details, await explained(row), image_format, timeout_s=_DRAWING_S
            )
            return image

        drawn = await drawings.drawn(row.explanation_key, image_format, draw)
        return Response(drawn, media_type=_MEDIA[image_format], headers=headers)

    return router


def _explicable(row: Row[Any]) -> Row[Any]:
    if row.explanation_key is None:
        raise NotFound(
            f"Calibration {row.id} keeps no explanation.", code="no_explanation"
        )
    return row


def _headers(key: str) -> dict[str, str]:
    return {
        "ETag": f'"{key.rpartition("/")[2]}"',
        # A waiting calibration is answered again later, under the same address.
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }


def _before(cursor: str) -> int:
    position: int = decode_cursor(cursor, {"id": int})["id"]
    return position


def _calibration(row: Row[Any], seen: Collection[int]) -> Calibration:
    outcome = Outcome(row.outcome)
    here = f"{PREFIX}/{row.id}"
    links = CalibrationLinks(
        plot=f"{here}/plot.png" if row.plot_key else None,
        explanation=f"{here}/explanation" if row.explanation_key else None,
        details=f"{here}/details.svg" if row.explanation_key else None,
    )
    return Calibration(
        calibration_id=row.id,
        calibration_request_id=row.calibration_request_id,
        data_product_id=row.data_product_id,
        request_order=row.request_order,
        plane=row.plane,
        plane_count=row.plane_count,
        purpose=row.purpose,
        outcome=outcome,
        message=row.message,
        advice=OUTCOMES[outcome].advice,
        started_at=row.started_at,
        finished_at=row.finished_at,
        reduction_time=row.reduction_time_s,
        software_version=row.software_version,
        settings_version=row.settings_version,
        fingerprint=row.fingerprint,
        has_plot=row.plot_key is not None,
        inputs=PinnedInputs(
            target=row.target,
            camera=row.camera,
            parameters=row.parameters,
            decisions=shown_decisions(row.decisions, seen),
        ),
        result=row.result,
        links=links,
    )
