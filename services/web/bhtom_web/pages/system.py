"""Whether the suite is well: every service and the parts it stands on."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final, Literal

import httpx
from fastapi.responses import HTMLResponse

from bhtom_web.optional import attempt
from bhtom_web.pages.routing import page_router
from bhtom_web.services import DUTIES, ServiceName, Services
from bhtom_web.visits import CurrentVisit

router = page_router()
State = Literal["ready", "degraded", "not ready", "unreachable"]
TITLES: Final[dict[ServiceName, str]] = {
    "core": "Targets, cameras, light curves",
    "upload": "Uploads",
    "cpcs": "Calibration",
    "harvester": "Archives and alerts",
}


# What the services' parts are to somebody who looks after them.
PARTS: Final = {
    "database": "database (PostgreSQL)",
    "migration": "database schema",
    "object store": "file store",
    "relay": "sending events (Kafka)",
    "consumer": "receiving events (Kafka)",
    "worker": "background jobs",
    "sources": "archives",
}


@dataclass(frozen=True, slots=True)
class PartHealth:
    """One thing a service depends on."""

    name: str
    ok: bool
    message: str | None
    required: bool


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """What a service says of itself."""

    service: ServiceName
    title: str
    state: State
    milliseconds: float | None
    parts: tuple[PartHealth, ...]
    sentence: str


@router.get("/system")
async def system(visit: CurrentVisit) -> HTMLResponse:
    """Ask everybody at once; nobody may hold up the page."""
    services: Services = visit.request.app.state.services
    asked = [ask_health(services, name) for name in TITLES]
    health, sources, catalogues = await asyncio.gather(
        asyncio.gather(*asked),
        attempt(visit.api.get("harvester", "/api/v1/sources")),
        attempt(visit.api.get("cpcs", "/api/v1/reference-catalogues")),
    )
    return visit.page(
        "_system.html" if visit.is_partial else "system.html",
        health=health,
        sources=sources,
        catalogues=catalogues,
        verdict=verdict({item.state for item in health}),
    )


async def ask_health(services: Services, name: ServiceName) -> ServiceHealth:
    """`/health/ready` of a service, in short time."""
    started = time.perf_counter()
    try:
        response = await services.client.get(
            services.addresses[name].rstrip("/") + "/health/ready",
            timeout=httpx.Timeout(services.health_timeout_s, connect=1.0),
        )
        body = response.json()
    except (httpx.HTTPError, ValueError):
        return _unreachable(name)
    if not isinstance(body, dict):
        return _unreachable(name)
    milliseconds = (time.perf_counter() - started) * 1000
    parts = _parts_of(body.get("parts"))
    state: State = "ready"
    if response.status_code != 200:
        state = "not ready"
    elif any(not part.ok for part in parts):
        state = "degraded"
    return ServiceHealth(
        name, TITLES[name], state, milliseconds, parts, _sentence(name, state)
    )


def _unreachable(name: ServiceName) -> ServiceHealth:
    sentence = f"{DUTIES[name].capitalize()} does not answer."
    return ServiceHealth(name, TITLES[name], "unreachable", None, (), sentence)


def _parts_of(parts: Any) -> tuple[PartHealth, ...]:
    if not isinstance(parts, dict):
        return ()
    return tuple(
        PartHealth(
            name=PARTS.get(str(name), str(name)),
            ok=part.get("ok") is True,
            message=part.get("message") or None,
            required=part.get("required") is not False,
        )
        for name, part in parts.items()
        if isinstance(part, dict)
    )


def _sentence(name: ServiceName, state: State) -> str:
    if state == "ready":
        return "Everything it needs is there."
    if state == "degraded":
        return "It works, but something it would like to have is missing."
    return f"{DUTIES[name].capitalize()} cannot do its work now."


def verdict(states: set[State]) -> str:
    """The whole suite in a line."""
    if states & {"not ready", "unreachable"}:
        return "Something is not well"
    return "Mostly well" if "degraded" in states else "Everything works"
