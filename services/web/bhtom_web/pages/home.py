"""The first page: what is mine and what is new."""

import asyncio

from fastapi.responses import HTMLResponse

from bhtom_web.optional import attempt
from bhtom_web.pages.routing import page_router
from bhtom_web.visits import CurrentVisit

router = page_router()


@router.get("/")
async def home(visit: CurrentVisit) -> HTMLResponse:
    """Recent uploads and targets; for strangers what this place is."""
    targets = attempt(visit.api.get("core", "/api/v1/targets", limit=8))
    if not visit.may_be_signed_in:
        return visit.page("home.html", targets=await targets, uploads=None)
    uploads = attempt(
        visit.api.get("upload", "/api/v1/data-products", mine="true", limit=8)
    )
    found_targets, found_uploads = await asyncio.gather(targets, uploads)
    return visit.page("home.html", targets=found_targets, uploads=found_uploads)
