"""How the sources and the harvests are doing, for pages and operators."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import select

from bhtom_harvester.harvests.jobs import harvest_job
from bhtom_harvester.harvests.store import schedule, source_rows, target_of
from bhtom_harvester.sources.interface import Source
from bhtom_harvester.tables import harvests
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Forbidden, NotFound
from bhtom_runtime.service import Context


class NewHarvest(BaseModel):
    """Ask a source about a target now."""

    target_id: int
    source: str


def _may_see(row: Any, principal: Principal) -> bool:
    if row is None or row.deleted_at is not None:
        return False
    embargoed = row.embargo_until is not None and row.embargo_until > datetime.now(UTC)
    is_open = row.visibility == "public" and not embargoed
    return is_open or principal.is_admin or row.owner_id == principal.user_id


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
        target_id: int,
        principal: reader,
    ) -> dict[str, Any]:
        async with context.database.read() as connection:
            if not _may_see(await target_of(connection, target_id), principal):
                return {"items": [], "next_cursor": None}
            statement = select(harvests).where(harvests.c.target_id == target_id)
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
            raise NotFound(f"There is no source '{wanted.source}'.")
        async with context.database.unit_of_work() as unit:
            target = await target_of(unit.connection, wanted.target_id)
            if not _may_see(target, principal):
                raise NotFound(f"There is no target {wanted.target_id}.")
            if target is not None and not target.archives_allowed:
                raise Forbidden(
                    "The owner of this target does not allow archive queries for it."
                )
            now = datetime.now(UTC)
            await schedule(unit, wanted.target_id, wanted.source, now)
            await unit.enqueue(harvest_job(wanted.target_id, wanted.source))
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


async def sources_in_trouble(context: Context) -> str | None:
    """A sentence for the health page when archives do not answer."""
    async with context.database.read() as connection:
        states = await source_rows(connection)
    bad = [
        f"{row.source}: {row.message}" for row in states.values() if row.state != "ok"
    ]
    return " ".join(bad) or None
