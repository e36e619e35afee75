"""The reduction of a frame as a job: outside any transaction, answered in one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bhtom_contracts.outcomes import Outcome
from bhtom_cpcs.calibrations import service, store
from bhtom_cpcs.calibrations.domain import REDUCIBLE
from bhtom_cpcs.calibrations.metrics import REDUCTION_SECONDS
from bhtom_cpcs.calibrations.pinning import PinnedDecisions
from bhtom_cpcs.calibrations.reduced import (
    FinishedReduction,
    KeptFiles,
    ReducedFrame,
    ReducedPlane,
    ReductionTask,
    catalogue_of,
    stated_plane,
)
from bhtom_cpcs.calibrations.reduction_process import reduce_pinned_frame
from bhtom_cpcs.calibrations.store import StoredRequest
from bhtom_cpcs.settings import CpcsSettings
from bhtom_runtime.jobs import PermanentFailure
from bhtom_runtime.process_pool import TimedOut
from bhtom_runtime.service import Context, Effect, Job, JobKind
from bhtom_runtime.unit_of_work import UnitOfWork

FRAMES: Final = "frames"
KEPT: Final = "calibrations"
# A slow machine deserves a second chance; a third would hold up everybody else.
_TIMED_OUT_ATTEMPTS: Final = 2
_TOO_SLOW: Final = "The reduction took longer than"

_NO_CATALOGUE: Final = (
    "The requested filter names no reference catalogue; ask for GaiaSP/any, or for one "
    "of the catalogues that are listed under reference catalogues."
)


class FrameReductions:
    """Runs `reduce_frame` jobs in the process pool."""

    def __init__(self, context: Context, settings: CpcsSettings) -> None:
        self._database = context.database
        self._objects = context.objects
        self._pool = context.pool
        self._settings = settings
        self._pinned = PinnedDecisions(context.database)

    def kind(self) -> JobKind:
        """The kind of job, for the runtime."""
        return JobKind(
            service.REDUCE_FRAME,
            self.run,
            on_dead=self.bury,
            queue=service.REDUCTIONS,
            # The pool stops a reduction; this only stands behind it.
            timeout_s=2 * self._settings.reduction_timeout_s + 60,
        )

    async def run(self, job: Job) -> Effect | None:
        """Reduce the frame; the effect stores the answer and tells of it."""
        request_id = int(job.payload["calibration_request_id"])
        async with self._database.read() as connection:
            request = await store.find_request(connection, request_id)
        if request is None or request.state not in REDUCIBLE:
            return None
        started_at = datetime.now(UTC)
        try:
            frame = await self._reduced(request)
        except TimedOut as error:
            limit = f"{self._settings.reduction_timeout_s:g} s and was stopped."
            if job.attempt >= _TIMED_OUT_ATTEMPTS:
                raise PermanentFailure(f"{_TOO_SLOW} {limit}") from error
            raise
        finished = FinishedReduction(
            frame=frame,
            kept=tuple([await self._keep_files(plane) for plane in frame.planes]),
            started_at=started_at,
            finished_at=datetime.now(UTC),
            settings_version=self._settings.settings_version,
        )
        REDUCTION_SECONDS.observe(frame.seconds)

        async def effect(uow: UnitOfWork) -> None:
            await service.answer(uow, request_id, finished)

        return effect

    async def bury(self, uow: UnitOfWork, job: Job, error: str) -> None:
        """Say that a frame's reduction never came to an answer."""
        timed_out = _TOO_SLOW in error
        limit = f"{self._settings.reduction_timeout_s:g} s"
        await service.bury(
            uow,
            int(job.payload["calibration_request_id"]),
            Outcome.TIMED_OUT if timed_out else Outcome.WORKER_CRASHED,
            f"{_TOO_SLOW} {limit} and was stopped, {_TIMED_OUT_ATTEMPTS} times."
            if timed_out
            else f"The reduction ended without an answer, {job.attempt} times.",
            self._settings.settings_version,
        )

    async def _reduced(self, request: StoredRequest) -> ReducedFrame:
        """Reduce with the pinned decisions, and again when the time tells better."""
        decisions = await self._pinned.of(request)
        frame = await self._reduce(request, decisions)
        better = await self._pinned.after(request, decisions, frame)
        return frame if better is None else await self._reduce(request, better)

    async def _reduce(
        self, request: StoredRequest, decisions: dict[str, Any]
    ) -> ReducedFrame:
        inputs = request.inputs
        catalogue = catalogue_of(
            inputs.parameters.requested_filter, self._settings.default_catalogue
        )
        if catalogue is None:
            stated = stated_plane(Outcome.NO_REFERENCE_IN_BAND, _NO_CATALOGUE)
            return ReducedFrame((stated,))
        task = ReductionTask(
            frame=str(self._frame_path(inputs.sha256)),
            inputs=inputs,
            catalogue_folder=str(self._settings.catalogue_folder),
            catalogue=catalogue,
            decisions=decisions,
        )
        result: ReducedFrame = await self._pool.run(
            reduce_pinned_frame, task, timeout_s=self._settings.reduction_timeout_s
        )
        return result

    def _frame_path(self, sha256: str) -> Path:
        return self._objects.path(f"{FRAMES}/{sha256[:2]}/{sha256}")

    async def _keep_files(self, plane: ReducedPlane) -> KeptFiles:
        return KeptFiles(
            await self._keep(plane.plot), await self._keep(plane.explanation)
        )

    async def _keep(self, content: bytes | None) -> str | None:
        if content is None:
            return None

        async def once() -> AsyncIterator[bytes]:
            yield content

        return (await self._objects.write(KEPT, once())).key
