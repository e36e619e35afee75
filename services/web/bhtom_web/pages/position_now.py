"""Where a target that moves is now: a part of its page, computed by cpcs."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fastapi.responses import HTMLResponse

from bhtom_web.optional import attempt
from bhtom_web.pages.routing import page_router
from bhtom_web.presentation import as_float
from bhtom_web.services import Json
from bhtom_web.visits import CurrentVisit, Visit

router = page_router()
_MJD_ZERO: Final = datetime(1858, 11, 17, tzinfo=UTC)
_HOUR_D: Final = 1 / 24


@router.get("/targets/{target_id}/position")
async def position_now(visit: CurrentVisit, target_id: int) -> HTMLResponse:
    """The place now, seen from the Earth's centre, and how fast it changes."""
    answer = await attempt(_places(visit, target_id))
    now, later = answer.items if len(answer.items) == 2 else ({}, {})
    return visit.page(
        "_position_now.html",
        sentence=answer.sentence or now.get("problem"),
        place=now,
        from_site=bool(answer.value and answer.value.get("from_site")),
        motion=motion_between(now, later),
    )


async def _places(visit: Visit, target_id: int) -> Any:
    target = await visit.api.get("core", f"/api/v1/targets/{target_id}")
    position: Json = {"error": target.get("position_error")}
    if target.get("position_kind") == "ephemeris":
        position["ephemeris"] = await visit.api.get(
            "core", f"/api/v1/targets/{target_id}/ephemeris"
        )
    else:
        names = ("ra", "dec", "epoch", "pm_ra", "pm_dec", "parallax", "elements")
        position |= {name: target.get(name) for name in names}
    now = (datetime.now(UTC) - _MJD_ZERO) / timedelta(days=1)
    question = {"position": position, "mjd": [now, now + _HOUR_D]}
    found = await visit.api.send("POST", "cpcs", "/api/v1/positions", question)
    ephemeris = position.get("ephemeris") or {}
    return {**found.json, "from_site": ephemeris.get("observer") == "site"}


def motion_between(now: Json, later: Json) -> dict[str, float] | None:
    """Arcseconds an hour and the position angle, from two places an hour apart."""
    places = [as_float(place.get(n)) for place in (now, later) for n in ("ra", "dec")]
    known = [math.radians(value) for value in places if value is not None]
    if len(known) < 4:
        return None
    ra_1, dec_1, ra_2, dec_2 = known
    turn = math.remainder(ra_2 - ra_1, 2 * math.pi)
    east = turn * math.cos((dec_1 + dec_2) / 2)
    north = dec_2 - dec_1
    return {
        "arcsec_per_hour": math.degrees(math.hypot(east, north)) * 3600,
        "position_angle": math.degrees(math.atan2(east, north)) % 360,
    }
