"""Where a target is: a calculator that keeps nothing."""

import asyncio
from typing import Final

from fastapi import APIRouter, Depends

from bhtom_cpcs.positions.places import places
from bhtom_cpcs.positions.schemas import PlaceList, PositionQuestion
from bhtom_runtime.errors import Invalid
from bhtom_runtime.process_pool import TimedOut
from bhtom_runtime.service import Context

_LONGEST_S: Final = 30.0


def positions_router(context: Context) -> APIRouter:
    """The route of this slice."""
    router = APIRouter(
        prefix="/api/v1/positions",
        tags=["positions"],
        dependencies=[Depends(context.auth.optional)],
    )
    # One at a time: readers never take all processes from the reductions.
    evaluating = asyncio.Semaphore(1)

    @router.post("", summary="Evaluate a position model at some times")
    async def positions(question: PositionQuestion) -> PlaceList:
        try:
            async with evaluating:
                found = await context.pool.run(places, question, timeout_s=_LONGEST_S)
        except TimedOut as error:
            raise Invalid(
                "This orbit takes too long to follow; ask for fewer times, or give "
                "elements of an epoch near them.",
                code="orbit_too_slow",
            ) from error
        return PlaceList(items=found)

    return router
