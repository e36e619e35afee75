"""How the sources and the harvests are doing, for pages and operators."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import select

from bhtom_harvester.harvests.domain import wanted_of
from bhtom_harvester.harvests.store import (
    end_hold,
    harvest_job,
    schedule,
    source_rows,
    target_of,
)
from bhtom_harvester.sources.interface import Source
from bhtom_harvester.tables import harvests
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Forbidden, NotFound
from bhtom_runtime.service import Context

_LARGEST_ID: Final = 2**63 - 1


class NewHarvest(BaseModel):
    """Ask a source about a target now."""

    target_id: int = Field(ge=1, le=_LARGEST_ID)
    source: str = Field(max_length=100)


def _may_see(target: Mapping[str, Any] | None, principal: Principal) -> bool:
    if target is None or target["deleted_at"] is not None:
        return False
    until = target["embargo_until"]
    embargoed = until is not None and until > datetime.now(UTC)
    is_open = target["visibility"] == "public" and not embargoed
    is_own = target["owner_id"] == principal.user_id
    return is_open or is_own or principal.allows("admin")


def harvests_router(context: Context, sources: Mapping[str, Source]) -> APIRouter:
    """`/api/v1/sources` and `/api/v1/harvests`."""
    router = APIRouter(prefix="/api/v1", tags=["harvests"])
    reader = Annotated[Principal, Depends(context.auth.require("read"))]
    writer = Annotated[Principal, Depends(context.auth.require("write"))]

    @router.get("/sources")
    async def list_sources(_: reader) -> dict[str, Any]:
        async with context.database.read() as connection:
            states = await source_rows(connection)
        return {
            "items": [
                _source(source, states.get(name)) for name, source in sources.items()
            ],
            "next_cursor": None,
        }

    @router.get("/harvests")
    async def list_harvests(
        target_id: Annotated[int, Query(ge=1, le=_LARGEST_ID)],
        principal: reader,
    ) -> dict[str, Any]:
        async with context.database.read() as connection:
            if not _may_see(await target_of(connection, target_id), principal):
                return {"items": [], "next_cursor": None}
            statement = select(harvests).where(harvests.c.target_id == target_id)
            statement = statement.order_by(harvests.c.source)
            rows = (await connection.execute(statement)).mappings().all()
        hidden = {"content_hash", "created_at"}
        items = [{k: v for k, v in row.items() if k not in hidden} for row in rows]
        return {"items": items, "next_cursor": None}

    @router.post("/harvests", status_code=202)
    async def harvest_now(
        wanted: NewHarvest,
        principal: writer,
    ) -> dict[str, str]:
        if wanted.source not in sources:
            raise NotFound("There is no such source; see /api/v1/sources.")
        async with context.database.unit_of_work() as unit:
            target = await target_of(unit.connection, wanted.target_id)
            if not _may_see(target, principal):
                raise NotFound(f"There is no target {wanted.target_id}.")
            # Before the target's row: a job's end locks in this order as well.
            await unit.enqueue(harvest_job(wanted.target_id, wanted.source))
            target = await target_of(unit.connection, wanted.target_id, lock=True)
            if wanted_of(target) is None:
                raise Forbidden(
                    "The owner of this target does not allow archive queries for it."
                )
            now = datetime.now(UTC)
            await schedule(unit, wanted.target_id, wanted.source, now)
            await end_hold(unit, wanted.source)
        return {"message": f"{wanted.source} will be asked."}

    return router


def _source(source: Source, row: Any) -> dict[str, Any]:
    return {
        "source": source.name,
        "title": source.title,
        "host": source.host,
        "citation": source.citation,
        "state": "idle" if row is None else row.state,
        "message": "Not asked yet." if row is None else row.message,
        "last_success_at": None if row is None else row.last_success_at,
        "last_failure_at": None if row is None else row.last_failure_at,
    }


async def sources_in_trouble(
    context: Context, sources: Mapping[str, Source]
) -> str | None:
    """A sentence for the health page when archives do not answer."""
    async with context.database.read() as connection:
        states = await source_rows(connection)
    bad = [
        f"{row.source}: {row.message}"
        for row in states.values()
        if row.state != "ok" and row.source in sources
    ]
    return " ".join(bad) or None
