"""What archives were asked about a target: a part of its page."""

import asyncio
import re
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from bhtom_web.forms import read_form
from bhtom_web.optional import attempt
from bhtom_web.pages.routing import page_router
from bhtom_web.services import ApiProblem
from bhtom_web.visits import CurrentVisit, SignedInVisit, Visit

router = page_router()
_SOURCE: Final = re.compile(r"^[\w .:-]{1,60}$")


@router.get("/targets/{target_id}/archives")
async def archives(visit: CurrentVisit, target_id: int) -> HTMLResponse:
    """The harvests of a target and the sources that can be asked."""
    return await _archives(visit, target_id)


@router.post("/targets/{target_id}/archives")
async def ask_archive(
    visit: SignedInVisit, request: Request, target_id: int
) -> HTMLResponse:
    """Ask a source once more."""
    source = (await read_form(request)).get("source", "")
    if not _SOURCE.match(source):
        return await _archives(visit, target_id, "There is no such source.")
    try:
        await visit.api.send(
            "POST",
            "harvester",
            "/api/v1/harvests",
            {"target_id": target_id, "source": source},
        )
    except ApiProblem as problem:
        if problem.status == 401:
            raise
        return await _archives(visit, target_id, problem.sentence)
    return await _archives(visit, target_id)


async def _archives(
    visit: Visit, target_id: int, refusal: str | None = None
) -> HTMLResponse:
    harvests, sources = await asyncio.gather(
        attempt(visit.api.get("harvester", "/api/v1/harvests", target_id=target_id)),
        attempt(visit.api.get("harvester", "/api/v1/sources")),
    )
    asked = {item.get("source") for item in harvests.items}
    return visit.page(
        "_archives.html",
        target_id=target_id,
        harvests=harvests,
        others=[item for item in sources.items if item.get("source") not in asked],
        refusal=refusal,
    )
