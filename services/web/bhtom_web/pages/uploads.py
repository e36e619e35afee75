"""Uploads: sending frames, following them, and trying again."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from bhtom_web.forms import Form, read_form
from bhtom_web.optional import attempt
from bhtom_web.pages.calibration_view import calibration_view
from bhtom_web.pages.routing import page_router
from bhtom_web.presentation import UPLOAD_STATES
from bhtom_web.services import ApiProblem, Json
from bhtom_web.visits import SignedInVisit, Visit

router = page_router()
_PAGE_SIZE: Final = 50
KINDS: Final = (
    ("fits_file", "Frames (images)"),
    ("photometry", "Instrumental catalogues (lists of measured sources)"),
)
FILTERS: Final = (
    ("GaiaSP/any", "Let the stars decide (GaiaSP/any)"),
    ("GaiaSP/ugriz", "One of u g r i z (GaiaSP/ugriz)"),
    ("GaiaSP/UBVRI", "One of U B V R I (GaiaSP/UBVRI)"),
    *((f"GaiaSP/{band}", f"{band} (GaiaSP/{band})") for band in "ugrizUBVRI"),
)


@router.get("/upload")
async def upload_page(visit: SignedInVisit, request: Request) -> HTMLResponse:
    """Choose a target and a camera, and drop frames."""
    cameras, targets, filters = await asyncio.gather(
        attempt(visit.api.get("core", "/api/v1/cameras", limit=200)),
        attempt(visit.api.get("core", "/api/v1/targets", limit=200)),
        _filters(visit),
    )
    return visit.page(
        "upload.html",
        form=Form(request.query_params),
        cameras=[item for item in cameras.items if item.get("active")],
        idle_cameras=[item for item in cameras.items if not item.get("active")],
        cameras_sentence=cameras.sentence,
        targets=targets,
        filters=filters,
        kinds=KINDS,
        batch=f"web-{secrets.token_hex(6)}",
    )


async def _filters(visit: Visit) -> tuple[tuple[str, str], ...]:
    """The bands to calibrate to: the usual ones, then those of what is imported."""
    answer = await attempt(visit.api.get("cpcs", "/api/v1/reference-catalogues"))
    usual = {value for value, _ in FILTERS}
    others = [
        band
        for catalogue in answer.items
        for band in (f"{catalogue['name']}/any", *catalogue["bands"])
        if band not in usual
    ]
    return (
        *FILTERS,
        *((band, f"{band.partition('/')[2]} ({band})") for band in others),
    )


@router.get("/uploads")
async def upload_list(visit: SignedInVisit, request: Request) -> HTMLResponse:
    """My uploads, and in plain words what became of each."""
    form = Form(request.query_params)
    query: dict[str, Any] = {
        name: form.text(name) for name in ("state", "target", "camera", "batch")
    }
    answer = await visit.api.get(
        "upload",
        "/api/v1/data-products",
        mine="true",
        limit=_PAGE_SIZE,
        cursor=form.text("cursor"),
        **query,
    )
    return visit.page(
        "_upload_rows.html" if visit.is_partial else "uploads.html",
        form=form,
        products=answer["items"],
        next_cursor=answer.get("next_cursor"),
        states=UPLOAD_STATES,
        filtered=any(query.values()),
    )


@router.get("/uploads/{data_product_id}")
async def upload_details(visit: SignedInVisit, data_product_id: int) -> HTMLResponse:
    """One upload: its stages, planes and calibration."""
    product = await visit.api.get("upload", f"/api/v1/data-products/{data_product_id}")
    return await _details(visit, product)


@router.post("/uploads/{data_product_id}/retry")
async def retry(
    visit: SignedInVisit, request: Request, data_product_id: int
) -> Response:
    """Calibrate once more, with other settings if wished."""
    form = Form(await read_form(request))
    radius = form.number("match_radius", "2.5")
    body: Json = {}
    if form.text("filter"):
        body["filter"] = form.text("filter")
    if radius is not None:
        body["match_radius"] = radius
    path = f"/api/v1/data-products/{data_product_id}"
    if not form.errors:
        try:
            await visit.api.send("POST", "upload", f"{path}/retry", body)
        except ApiProblem as problem:
            if problem.status in (401, 404):
                raise
            form.refuse(problem, ("filter", "match_radius"))
        else:
            return visit.go_to(f"/uploads/{data_product_id}", done="retry")
    return await _details(visit, await visit.api.get("upload", path), form)


async def _details(
    visit: Visit, product: Json, form: Form | None = None
) -> HTMLResponse:
    calibrations = await attempt(
        visit.api.get(
            "cpcs",
            "/api/v1/calibrations",
            data_product_id=product["data_product_id"],
        )
    )
    shown = sorted(calibrations.items, key=_newest_first(product.get("target_plane")))
    return visit.page(
        "_upload.html" if visit.is_partial else "upload_details.html",
        422 if form and form.errors else 200,
        product=product,
        calibrations=[(item, calibration_view(item)) for item in shown],
        calibrations_sentence=calibrations.sentence,
        filters=await _filters(visit),
        form=form or Form(),
    )


def _newest_first(
    target_plane: int | None,
) -> Callable[[Json], tuple[bool, int, bool, int]]:
    """Order calibrations: of one request that of the target's plane comes first.

    What was only looked at comes last: it is not what the light curve holds.
    """

    def place(item: Json) -> tuple[bool, int, bool, int]:
        return (
            item.get("purpose") == "preview",
            -(item.get("request_order") or 0),
            item.get("plane") != target_plane,
            -(item.get("calibration_id") or 0),
        )

    return place
