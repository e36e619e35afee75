"""Targets: the list, the page with the light curve, and the forms."""

from typing import Any, Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from bhtom_web.coordinates import parse_declination, parse_right_ascension
from bhtom_web.forms import Form, read_form
from bhtom_web.pages.routing import page_router
from bhtom_web.pages.target_form import (
    FIELDS,
    LABELS,
    TargetChoices,
    body_of,
    values_of,
)
from bhtom_web.pages.target_position import ELEMENTS, kind_of
from bhtom_web.services import ApiProblem, Json
from bhtom_web.visits import CurrentVisit, SignedInVisit, Visit

router = page_router()
_PAGE_SIZE: Final = 50
_DEFAULT_RADIUS_ARCSEC: Final = 300.0
_CHANGED_MEANWHILE: Final = (
    "Somebody changed this target while you wrote. Below are your values; the page of "
    "the target shows what it is now. Save again to keep yours."
)


@router.get("/targets")
async def target_list(visit: CurrentVisit, request: Request) -> HTMLResponse:
    """Targets by a part of their name, or around a position."""
    form = Form(request.query_params)
    answer: Json = {"items": []}
    query = _query_of(form)
    if not form.errors:
        try:
            answer = await visit.api.get(
                "core",
                "/api/v1/targets",
                limit=_PAGE_SIZE,
                cursor=form.text("cursor"),
                **query,
            )
        except ApiProblem as problem:
            if problem.status == 401:
                raise
            form.refuse(problem, ("name", "ra", "dec", "radius_arcsec"))
    return visit.page(
        "_target_rows.html" if visit.is_partial else "targets.html",
        form=form,
        targets=answer["items"],
        next_cursor=answer.get("next_cursor"),
        moving_left_out=answer.get("moving_left_out") or 0,
        searched=bool(query),
        status=422 if form.errors else 200,
    )


def _query_of(form: Form) -> dict[str, Any]:
    query: dict[str, Any] = {}
    if form.text("name"):
        query["name"] = form.text("name")
    ra = form.convert("ra", parse_right_ascension)
    dec = form.convert("dec", parse_declination)
    radius = form.number("radius_arcsec", "300")
    if ra is not None or dec is not None:
        if ra is None:
            form.errors.setdefault("ra", "Give both coordinates.")
        if dec is None:
            form.errors.setdefault("dec", "Give both coordinates.")
        query |= {
            "ra": ra,
            "dec": dec,
            "radius_arcsec": _DEFAULT_RADIUS_ARCSEC if radius is None else radius,
        }
    return query


@router.get("/targets/new")
async def new_target(visit: SignedInVisit, request: Request) -> HTMLResponse:
    """The empty form."""
    form = Form({"archives_allowed": "on", **request.query_params})
    return _form_page(visit, form, target=None)


@router.post("/targets/new")
async def create_target(visit: SignedInVisit, request: Request) -> Response:
    """Register a target; one that is there already is linked to."""
    form = Form(await read_form(request))
    body = body_of(form)
    if form.errors:
        return _form_page(visit, form, target=None, status=422)
    try:
        answer = await visit.api.send("POST", "core", "/api/v1/targets", body)
    except ApiProblem as problem:
        return _refused(visit, form, problem, target=None)
    return visit.go_to(f"/targets/{answer.json['target_id']}", done="target-created")


@router.get("/targets/{id_or_name}")
async def target_page(visit: CurrentVisit, id_or_name: str) -> HTMLResponse:
    """The target and its light curve."""
    target = await find_target(visit, id_or_name)
    return visit.page(
        "target.html",
        target=target,
        elements=ELEMENTS,
        may_edit=visit.owns(target),
    )


@router.get("/targets/{id_or_name}/edit")
async def edit_target(visit: SignedInVisit, id_or_name: str) -> HTMLResponse:
    """The form with the target's values."""
    target = await find_target(visit, id_or_name)
    ephemeris = None
    if target.get("position_kind") == "ephemeris":
        ephemeris = await visit.api.get(
            "core", f"/api/v1/targets/{target['target_id']}/ephemeris"
        )
    return _form_page(visit, Form(values_of(target, ephemeris)), target=target)


@router.post("/targets/{target_id}/edit")
async def save_target(
    visit: SignedInVisit, request: Request, target_id: int
) -> Response:
    """Save what was changed, unless somebody else changed it meanwhile."""
    form = Form(await read_form(request))
    target = await find_target(visit, str(target_id))
    body = body_of(form)
    if form.errors:
        return _form_page(visit, form, target=target, status=422)
    told = form.text("version")
    seen = told if told.isascii() and told.isdigit() else target["version"]
    path, condition = f"/api/v1/targets/{target_id}", {"If-Match": f'"{seen}"'}
    try:
        await visit.api.send("PATCH", "core", path, body, condition)
    except ApiProblem as problem:
        if problem.code == "stale":
            form.errors[""] = _CHANGED_MEANWHILE
            now = await find_target(visit, str(target_id))
            return _form_page(visit, form, target=now, status=412)
        return _refused(visit, form, problem, target=target)
    return visit.go_to(f"/targets/{target_id}", done="target-saved")


async def find_target(visit: Visit, id_or_name: str) -> Json:
    """A target by its id, else by its name (names may be digits, too)."""
    target: Json
    if id_or_name.isascii() and id_or_name.isdigit() and len(id_or_name) < 19:
        try:
            target = await visit.api.get("core", f"/api/v1/targets/{id_or_name}")
            return target
        except ApiProblem as problem:
            if problem.status != 404:
                raise
    target = await visit.api.get("core", "/api/v1/targets/by-name", name=id_or_name)
    return target


def _refused(
    visit: Visit, form: Form, problem: ApiProblem, target: Json | None
) -> HTMLResponse:
    if problem.status == 401:
        raise problem
    form.refuse(problem, FIELDS)
    if problem.code == "target_exists":
        form.errors = {_field_of_twin(problem, form): problem.sentence}
    return _form_page(visit, form, target=target, status=problem.status)


def _field_of_twin(problem: ApiProblem, form: Form) -> str:
    """Whether the place, the motion or the name is the one of another target."""
    if problem.details.get("separation_arcsec") is not None:
        return "ra"
    return kind_of(form) if "same model" in problem.sentence else "name"


def _form_page(
    visit: Visit, form: Form, target: Json | None, status: int = 200
) -> HTMLResponse:
    existing = None
    if form.problem is not None and form.problem.code == "target_exists":
        existing = form.problem.details
    return visit.page(
        "target_form.html",
        status,
        form=form,
        target=target,
        labels=LABELS,
        choices=TargetChoices,
        existing=existing,
        existing_path=_path_to(existing),
    )


def _path_to(existing: Json | None) -> str | None:
    """The page of a target that a refusal names; its own link is not trusted."""
    if existing is None:
        return None
    if isinstance(existing.get("target_id"), int):
        return f"/targets/{existing['target_id']}"
    name = existing.get("name")
    return f"/targets/{quote(name, safe='')}" if isinstance(name, str) else None
