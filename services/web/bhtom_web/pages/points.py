"""A point of a light curve: its story from the frame on, and what people decide."""

import asyncio
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from bhtom_web.forms import read_form
from bhtom_web.optional import Attempt, attempt
from bhtom_web.pages.calibration_view import calibration_view
from bhtom_web.pages.routing import page_router
from bhtom_web.services import ApiProblem, Json
from bhtom_web.visits import CurrentVisit, SignedInVisit, Visit

router = page_router()
_CHANGED = "light-curve-changed"


@router.get("/points/{point_id}")
async def point_page(visit: CurrentVisit, point_id: int) -> HTMLResponse:
    """The point; htmx gets it as the side panel of the light curve."""
    point = await visit.api.get("core", f"/api/v1/points/{point_id}")
    return await _show(visit, point)


@router.post("/points/{point_id}/hide")
async def hide(visit: SignedInVisit, request: Request, point_id: int) -> Response:
    """Take a point out of the light curve, with a reason."""
    reason = (await read_form(request)).get("reason", "")
    if not reason:
        point = await visit.api.get("core", f"/api/v1/points/{point_id}")
        return await _show(visit, point, refusal="Say why, so that others understand.")
    return await _decide(visit, point_id, "hide", reason)


@router.post("/points/{point_id}/unhide")
async def unhide(visit: SignedInVisit, request: Request, point_id: int) -> Response:
    """Put a hidden point back."""
    reason = (await read_form(request)).get("reason", "")
    return await _decide(visit, point_id, "unhide", reason)


async def _decide(visit: Visit, point_id: int, what: str, reason: str) -> Response:
    path = f"/api/v1/points/{point_id}"
    body = {"reason": reason} if reason else {}
    refusal = None
    try:
        await visit.api.send("POST", "core", f"{path}/{what}", body)
    except ApiProblem as problem:
        if problem.status in (401, 404):
            raise
        refusal = problem.sentence
    if refusal is None and not visit.is_partial:
        done = "point-hidden" if what == "hide" else "point-shown"
        return visit.go_to(f"/points/{point_id}", done=done)
    response = await _show(visit, await visit.api.get("core", path), refusal)
    if refusal is None:
        response.headers["HX-Trigger"] = _CHANGED
    return response


async def _show(visit: Visit, point: Json, refusal: str | None = None) -> HTMLResponse:
    calibration, product = await asyncio.gather(
        _if_known(visit, "cpcs", "/api/v1/calibrations", point.get("calibration_id")),
        _if_known(
            visit, "upload", "/api/v1/data-products", point.get("data_product_id")
        ),
    )
    return visit.page(
        "_point.html" if visit.is_partial else "point.html",
        422 if refusal else 200,
        point=point,
        calibration=calibration,
        figures=calibration_view(calibration.value),
        product=product,
        refusal=refusal,
    )


async def _if_known(visit: Visit, service: Any, path: str, number: Any) -> Attempt:
    """What a point names may be missing, forbidden or out of reach."""
    if not isinstance(number, int):
        return Attempt(status=404)
    return await attempt(visit.api.get(service, f"{path}/{number}"))
