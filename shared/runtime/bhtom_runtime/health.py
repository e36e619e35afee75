"""Whether a process lives, and whether it can do the job of its roles."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bhtom_runtime.auth import public

CHECK_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Part:
    """One thing a process depends on; only required ones make it unready."""

    check: Callable[[], Awaitable[str | None]]
    required: bool = True


async def _ask(part: Part) -> dict[str, Any]:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            message = await part.check()
    except TimeoutError:
        message = "It did not answer in time."
    return {"ok": message is None, "message": message, "required": part.required}


def health_router(service: str, parts: Mapping[str, Part]) -> APIRouter:
    """`/health/live`, `/health/ready` and `/metrics` of a process."""
    router = APIRouter(dependencies=[Depends(public)], include_in_schema=False)

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        return {"service": service, "status": "alive"}

    @router.get("/health/ready")
    async def ready(response: Response) -> dict[str, Any]:
        answers = await asyncio.gather(*(_ask(part) for part in parts.values()))
        found = dict(zip(parts, answers, strict=True))
        is_ready = all(part["ok"] or not part["required"] for part in found.values())
        response.status_code = 200 if is_ready else 503
        return {
            "service": service,
            "status": "ready" if is_ready else "not ready",
            "parts": found,
        }

    @router.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
