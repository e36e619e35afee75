"""Small jobs at intervals: wake what waits, re-drive what was lost, tidy the store."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

import structlog

from bhtom_cpcs.calibrations import service, waiting
from bhtom_cpcs.calibrations.jobs import KEPT
from bhtom_cpcs.calibrations.metrics import REDRIVEN, WOKEN
from bhtom_cpcs.calibrations.waiting import WaitingRequest
from bhtom_cpcs.imported_catalogues.held import HeldCatalogues
from bhtom_cpcs.reference_catalogues.manifest import Manifest
from bhtom_runtime.service import Context, Cron, Effect, Job, JobKind
from bhtom_runtime.unit_of_work import UnitOfWork

WAKE: Final = "wake_waiting_calibrations"
REDRIVE: Final = "redrive_lost_reductions"
COLLECT: Final = "collect_kept_files"

CRONS: Final = (
    Cron(WAKE, timedelta(seconds=10), WAKE),
    Cron(REDRIVE, timedelta(minutes=1), REDRIVE),
    Cron(COLLECT, timedelta(hours=6), COLLECT),
)
# A job is written with its request; one this old without a job has lost it.
_LOST_AFTER: Final = timedelta(minutes=1)
_UNREFERENCED_AFTER: Final = timedelta(days=1)

_logger = structlog.get_logger(__name__)


class Upkeep:
    """The jobs of this slice that no request asks for."""

    def __init__(self, context: Context, held: HeldCatalogues) -> None:
        self._context = context
        self._held = held

    def kinds(self) -> tuple[JobKind, ...]:
        """The kinds of job, for the runtime."""
        return (
            JobKind(WAKE, self.wake, timeout_s=60),
            JobKind(REDRIVE, self.redrive, timeout_s=60),
            JobKind(COLLECT, self.collect, timeout_s=600),
        )

    async def wake(self, _: Job) -> Effect | None:
        """Let requests go on whose reference stars have come."""
        async with self._context.database.read() as connection:
            names = await waiting.catalogues_waited_for(connection)
        woken: list[int] = []
        still_waiting: list[tuple[int, str]] = []
        for name in names:
            held = await self._held.of(name)
            if held is None:
                continue
            async with self._context.database.read() as connection:
                requests = await waiting.not_checked(connection, name, held.release)
            served = await asyncio.to_thread(_served, held, requests)
            woken += sorted(served)
            still_waiting += [
                (request.id, held.release)
                for request in requests
                if request.id not in served
            ]

        async def effect(uow: UnitOfWork) -> None:
            for request_id, release in still_waiting:
                await waiting.mark_checked(uow, request_id, release)
            for request_id in woken:
                if await service.wake(uow, request_id):
                    WOKEN.inc()
                    _logger.info("woken", calibration_request_id=request_id)

        return effect if woken or still_waiting else None

    async def redrive(self, _: Job) -> Effect | None:
        """Give a job to queued requests that have none."""
        async with self._context.database.read() as connection:
            lost = await waiting.without_job(connection, _LOST_AFTER)
        if not lost:
            return None

        async def effect(uow: UnitOfWork) -> None:
            for request_id in lost:
                if await service.redrive(uow, request_id):
                    REDRIVEN.inc()
                    _logger.warning("re-driven", calibration_request_id=request_id)

        return effect

    async def collect(self, _: Job) -> Effect | None:
        """Remove plots and explanations that no calibration refers to."""

        async def referenced(keys: Sequence[str]) -> Collection[str]:
            async with self._context.database.read() as connection:
                return await waiting.files_in_use(connection, keys)

        await self._context.objects.collect(KEPT, referenced, _UNREFERENCED_AFTER)
        return None


def _served(held: Manifest, requests: Sequence[WaitingRequest]) -> set[int]:
    """Requests for which at least a part of what they wait for has come."""
    return {
        request.id
        for request in requests
        if held.has_any(request.healpix_order, request.pixels)
    }
