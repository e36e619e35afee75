"""What was decided about a target from many frames: place, neighbours, catalogue."""

import asyncio

from fastapi.responses import HTMLResponse

from bhtom_web.optional import attempt
from bhtom_web.pages.routing import page_router
from bhtom_web.services import Json
from bhtom_web.visits import CurrentVisit, Visit

router = page_router()


@router.get("/targets/{target_id}/decisions")
async def target_decisions(visit: CurrentVisit, target_id: int) -> HTMLResponse:
    """The newest version of each decision, and what it rests on."""
    target, decided, cameras = await asyncio.gather(
        visit.api.get("core", f"/api/v1/targets/{target_id}"),
        attempt(
            visit.api.get("cpcs", f"/api/v1/calibrations/decisions/targets/{target_id}")
        ),
        _camera_names(visit),
    )
    return visit.page(
        "target_decisions.html",
        target=target,
        decided=decided.value,
        sentence=decided.sentence,
        cameras=cameras,
    )


async def _camera_names(visit: Visit) -> dict[int, str]:
    """What cameras are called; by number where nobody says."""
    answer = await attempt(visit.api.get("core", "/api/v1/cameras", limit=200))
    found: list[Json] = answer.items
    return {item["camera_id"]: item["oname"] for item in found}
