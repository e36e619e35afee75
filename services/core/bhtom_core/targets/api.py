"""The API of targets."""

from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_contracts.events import targets as contract
from bhtom_core.etags import (
    CACHE_HEADERS,
    VersionsSeen,
    not_modified,
    versioned_tag,
)
from bhtom_core.ids import PathId, QueryId
from bhtom_core.light_curves.summaries import summaries
from bhtom_core.rows import Record
from bhtom_core.targets import store
from bhtom_core.targets.coordinates import declination, right_ascension
from bhtom_core.targets.domain import name_key
from bhtom_core.targets.position_models import table_of
from bhtom_core.targets.schemas import (
    NewTarget,
    Target,
    TargetChanges,
    TargetList,
    target_of,
)
from bhtom_core.targets.service import Targets
from bhtom_core.targets.store import Cone, Page
from bhtom_core.visibility import Reader
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Invalid, NotFound
from bhtom_runtime.pagination import decode_cursor, encode_cursor
from bhtom_runtime.service import Context

_MAX_RADIUS_ARCSEC = 36_000.0


def target_router(context: Context, targets: Targets) -> APIRouter:
    """Reading and writing targets."""
    router = APIRouter(prefix="/api/v1/targets", tags=["targets"])
    _add_reads(router, context)
    _add_writes(router, context, targets)
    return router


def _add_reads(router: APIRouter, context: Context) -> None:
    database = context.database
    Caller: TypeAlias = Annotated[Principal | None, Depends(context.auth.optional)]

    @router.get("")
    async def list_targets(
        page: Annotated[Page, Depends(_page)], caller: Caller
    ) -> TargetList:
        """Targets, newest first; in a cone the fixed ones, the nearest first."""
        reader = Reader.of(caller)
        async with database.read() as connection:
            rows = await store.list_targets(connection, page, reader)
            shown = rows[: page.limit - 1]
            short = await summaries(connection, reader, [r.target_id for r in shown])
            moving = 0
            if page.cone is not None:
                moving = await store.moving_count(connection, page, reader)
        return TargetList(
            items=[target_of(row, short.get(row.target_id)) for row in shown],
            next_cursor=_cursor_after(shown[-1]) if len(rows) == page.limit else None,
            moving_left_out=moving,
        )

    @router.get("/by-name", response_model=Target)
    async def by_name(name: str, caller: Caller, request: Request) -> Response:
        """A target by its name or an alias, whatever the case of its letters."""
        reader = Reader.of(caller)
        async with database.read() as connection:
            row = await store.target_by_name(connection, name_key(name), reader)
            if row is None:
                raise NotFound(
                    f"Target '{name[:100]}' does not exist.", code="target_not_found"
                )
            return await _answer(connection, request, row, reader)

    @router.get("/{target_id}", response_model=Target)
    async def by_id(target_id: PathId, caller: Caller, request: Request) -> Response:
        """A target by its id."""
        reader = Reader.of(caller)
        async with database.read() as connection:
            row = await store.target_by_id(connection, target_id, reader)
            if row is None:
                raise NotFound(
                    f"There is no target {target_id}.", code="target_not_found"
                )
            return await _answer(connection, request, row, reader)

    @router.get("/{target_id}/ephemeris")
    async def ephemeris(target_id: PathId, caller: Caller) -> contract.Ephemeris:
        """The rows of a target's ephemeris."""
        async with database.read() as connection:
            row = await store.target_by_id(connection, target_id, Reader.of(caller))
            rows = row and await store.ephemeris_rows(connection, target_id)
        if row is None:
            raise NotFound(f"There is no target {target_id}.", code="target_not_found")
        if rows is None:
            raise NotFound(f"'{row.name}' has no ephemeris.", code="no_ephemeris")
        return table_of(row.ephemeris["observer"], rows)


def _add_writes(router: APIRouter, context: Context, targets: Targets) -> None:
    database = context.database
    Writer: TypeAlias = Annotated[Principal, Depends(context.auth.require("write"))]

    async def shown(target_id: int, caller: Principal) -> Target:
        reader = Reader.of(caller)
        async with database.read() as connection:
            row = await store.target_by_id(connection, target_id, reader)
            if row is None:
                raise NotFound(f"There is no target {target_id} any more.")
            short = await summaries(connection, reader, [target_id])
        return target_of(row, short.get(target_id))

    @router.post("", status_code=201)
    async def create(given: NewTarget, caller: Writer, response: Response) -> Target:
        """Make a target; one of the same name, orbit or place (3 arcsec) conflicts."""
        async with database.unit_of_work() as unit:
            row = await targets.create(
                unit, caller, given.fields(), allow_close=given.allow_close
            )
        response.headers["Location"] = f"/api/v1/targets/{row.target_id}"
        return await shown(row.target_id, caller)

    @router.patch("/{target_id}")
    async def change(
        target_id: PathId, given: TargetChanges, caller: Writer, seen: VersionsSeen
    ) -> Target:
        """Change a target; only its owner and administrators may.

        With If-Match (the ETag of the target, or its `version` in quotes) only while
        nobody else has changed it: 412 otherwise.
        """
        async with database.unit_of_work() as unit:
            await targets.change(
                unit,
                caller,
                target_id,
                given.fields(),
                allow_close=given.allow_close,
                seen=seen,
            )
        return await shown(target_id, caller)

    @router.delete("/{target_id}", status_code=204)
    async def delete(target_id: PathId, caller: Writer) -> None:
        """Delete a target; only its owner and administrators may."""
        async with database.unit_of_work() as unit:
            await targets.delete(unit, caller, target_id)


async def _answer(
    connection: AsyncConnection, request: Request, row: Record, reader: Reader
) -> Response:
    short = (await summaries(connection, reader, [row.target_id])).get(row.target_id)
    tag = versioned_tag(row.version, "target", row.target_id, short, reader)
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    return Response(
        target_of(row, short).model_dump_json(),
        media_type="application/json",
        headers={"ETag": tag, **CACHE_HEADERS},
    )


def _page(
    name: Annotated[str | None, Query(max_length=200)] = None,
    ra: Annotated[str | None, Query(max_length=60)] = None,
    dec: Annotated[str | None, Query(max_length=60)] = None,
    radius_arcsec: Annotated[float, Query(gt=0, le=_MAX_RADIUS_ARCSEC)] = 60.0,
    owner_id: QueryId = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Page:
    """The page that a query asks for, with one row more to see if there is another."""
    place: dict[str, Any] = {}
    if (ra is None) != (dec is None):
        raise Invalid("Give both ra and dec, or neither of them.")
    if ra is not None and dec is not None:
        place["cone"] = Cone(
            right_ascension(ra), declination(dec), radius_arcsec / 3600
        )
    if cursor is not None:
        place |= _position(cursor, in_cone="cone" in place)
    key = name_key(name) if name else None
    return Page(name=key, owner_id=owner_id, limit=limit + 1, **place)


def _position(cursor: str, *, in_cone: bool) -> dict[str, Any]:
    if in_cone:
        found = decode_cursor(cursor, {"id": int, "separation": float})
        return {"after_separation": (found["separation"], found["id"])}
    return {"before": decode_cursor(cursor, {"id": int})["id"]}


def _cursor_after(row: Record) -> str:
    position = {"id": row.target_id}
    if row.separation_deg is not None:
        position["separation"] = row.separation_deg
    return encode_cursor(position)
