"""What this is, and whose work and data it stands on."""

from fastapi.responses import HTMLResponse

from bhtom_web.optional import attempt
from bhtom_web.pages.routing import page_router
from bhtom_web.visits import CurrentVisit

router = page_router()


@router.get("/about")
async def about(visit: CurrentVisit) -> HTMLResponse:
    """Credits and terms."""
    catalogues = await attempt(visit.api.get("cpcs", "/api/v1/reference-catalogues"))
    return visit.page("about.html", catalogues=catalogues)
