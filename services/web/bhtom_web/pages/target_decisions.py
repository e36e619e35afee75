"""What was decided about a target from many frames: place, neighbours, catalogue."""

import asyncio

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from bhtom_web.forms import Form, read_form
from bhtom_web.optional import attempt
from bhtom_web.pages.routing import page_router
from bhtom_web.presentation import declination, right_ascension
from bhtom_web.services import ApiProblem, Json
from bhtom_web.visits import CurrentVisit, SignedInVisit, Visit

router = page_router()


@router.get("/targets/{target_id}/decisions")
async def target_decisions(
    visit: CurrentVisit, request: Request, target_id: int
) -> HTMLResponse:
    """The newest version of each decision, and what it rests on."""
    return await _page(visit, target_id, Form(request.query_params))


@router.post("/targets/{target_id}/decisions")
async def drop_star(visit: SignedInVisit, request: Request, target_id: int) -> Response:
    """Drop a star from the target's scene: kept with who, when and why."""
    form = Form(await read_form(request))
    ra, _, dec = form.text("star").partition(" ")
    body: Json = {"ra_deg": ra, "dec_deg": dec, "why": form.text("why")}
    try:
        path = f"{_path(target_id)}/scene/rulings"
        await visit.api.send("POST", "cpcs", path, body)
    except ApiProblem as problem:
        if problem.status in (401, 404):
            raise
        form.refuse(problem, ("star", "why"))
        return await _page(visit, target_id, form)
    return visit.go_to(f"/targets/{target_id}/decisions", done="ruling")


@router.post("/targets/{target_id}/decisions/stars/{ruling_id}/withdraw")
async def take_star_back(
    visit: SignedInVisit, target_id: int, ruling_id: int
) -> Response:
    """Take back that a star was dropped."""
    path = f"{_path(target_id)}/scene/rulings/{ruling_id}/withdraw"
    await visit.api.send("POST", "cpcs", path)
    return visit.go_to(f"/targets/{target_id}/decisions", done="ruling-withdrawn")


async def _page(visit: Visit, target_id: int, form: Form) -> HTMLResponse:
    target, decided, cameras = await asyncio.gather(
        visit.api.get("core", f"/api/v1/targets/{target_id}"),
        attempt(visit.api.get("cpcs", _path(target_id))),
        _camera_names(visit),
    )
    return visit.page(
        "target_decisions.html",
        422 if form.errors else 200,
        target=target,
        decided=decided.value,
        sentence=decided.sentence,
        cameras=cameras,
        stars=_stars(decided.value),
        form=form,
        may_edit=visit.owns(target),
    )


def _stars(decided: Json | None) -> list[tuple[str, str]]:
    """The scene's stars to choose from: their coordinates, and as people read them.

    Those found in frames come first; they are doubted sooner than a catalogue's.
    """
    scene = (decided or {}).get("scene") or {}
    stars = sorted(scene.get("stars", ()), key=lambda one: not _is_of_frames(one))
    return [
        (
            f"{star['ra_deg']!r} {star['dec_deg']!r}",
            f"{right_ascension(star['ra_deg'])} {declination(star['dec_deg'])}"
            + (", the host" if star.get("kind") == "host" else "")
            + (", found in frames" if _is_of_frames(star) else ""),
        )
        for star in stars
    ]


def _is_of_frames(star: Json) -> bool:
    return bool(star.get("source") == "frames")


async def _camera_names(visit: Visit) -> dict[int, str]:
    """What cameras are called; by number where nobody says."""
    answer = await attempt(visit.api.get("core", "/api/v1/cameras", limit=200))
    found: list[Json] = answer.items
    return {item["camera_id"]: item["oname"] for item in found}


def _path(target_id: int) -> str:
    return f"/api/v1/calibrations/decisions/targets/{target_id}"
