"""Runs one claimed job to the end of its attempt."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final, Literal

import structlog

from bhtom_runtime.database import Database
from bhtom_runtime.errors import ServiceError
from bhtom_runtime.job_metrics import DEATHS, DURATION_SECONDS
from bhtom_runtime.jobs import fence
from bhtom_runtime.jobs.errors import (
    DATABASE_TROUBLE,
    LeaseLost,
    PermanentFailure,
    Postpone,
    Retry,
    is_passing,
    sentence_of,
)
from bhtom_runtime.service import Effect, Job, JobKind
from bhtom_runtime.tracing import traced
from bhtom_runtime.waiting import back_off_s

_logger = structlog.get_logger(__name__)

Outcome = Literal["done", "retried", "postponed", "dead", "lost"]
# An expensive result is worth some patience with a database that restarts.
_EFFECT_TRIES: Final = 6


class JobRunner:
    """Runs jobs of the kinds it was given."""

    def __init__(self, database: Database, kinds: Mapping[str, JobKind]) -> None:
        self._database = database
        self._kinds = kinds

    async def run(self, job: Job) -> Outcome:
        """Run the job and write how it ended; the lease stays when that fails."""
        started = time.monotonic()
        with traced(
            job.traceparent, job_id=job.id, job_kind=job.kind, attempt=job.attempt
        ):
            outcome = await self._attempt(job)
            seconds = time.monotonic() - started
            _logger.info("job_ended", outcome=outcome, seconds=round(seconds, 3))
        DURATION_SECONDS.labels(self._database.schema, job.kind, outcome).observe(
            seconds
        )
        return outcome

    async def _attempt(self, job: Job) -> Outcome:
        kind = self._kinds[job.kind]
        try:
            effect = await _within(kind, job)
            await self._complete(job, effect)
        except LeaseLost as error:
            return _lost(error)
        except Exception as error:  # noqa: BLE001 - written into the job's row
            try:
                return await self._fail(job, kind, error)
            except LeaseLost as lost:
                return _lost(lost)
            except Exception as trouble:
                # on_dead may fail too. The lease runs out, then others look at it.
                _logger.exception("job_end_not_written", reason=sentence_of(trouble))
                return "lost"
        return "done"

    async def _complete(self, job: Job, effect: Effect | None) -> None:
        """Mark the job done and write its effect, in one transaction."""
        for trial in range(1, _EFFECT_TRIES + 1):
            try:
                async with self._database.unit_of_work() as uow:
                    await fence.complete(uow, job)
                    if effect is not None:
                        await effect(uow)
                return
            except DATABASE_TROUBLE as error:
                if trial == _EFFECT_TRIES or not is_passing(error):
                    raise
                _logger.warning("effect_again", reason=sentence_of(error))
                await asyncio.sleep(back_off_s(trial))

    async def _fail(self, job: Job, kind: JobKind, error: Exception) -> Outcome:
        reason = sentence_of(error)
        if isinstance(error, Postpone):
            async with self._database.unit_of_work() as uow:
                await fence.postpone(uow, job, reason, error.after_s)
            return "postponed"
        if isinstance(error, PermanentFailure) or job.attempt >= job.max_attempts:
            _logger.warning("job_dead", reason=reason, exc_info=_trace(error))
            async with self._database.unit_of_work() as uow:
                await fence.bury(uow, job, kind, reason)
            DEATHS.labels(self._database.schema, job.kind).inc()
            return "dead"
        _logger.warning("job_failed", reason=reason, exc_info=_trace(error))
        async with self._database.unit_of_work() as uow:
            await fence.retry(uow, job, reason, _asked_pause(error))
        return "retried"


async def _within(kind: JobKind, job: Job) -> Effect | None:
    try:
        async with asyncio.timeout(kind.timeout_s) as limit:
            return await kind.run(job)
    except TimeoutError as error:
        if limit.expired():
            raise Retry(f"It took longer than {kind.timeout_s:g} s.") from error
        raise


def _asked_pause(error: Exception) -> float | None:
    if isinstance(error, Retry):
        return error.after_s
    if isinstance(error, ServiceError):
        return error.retry_after_s
    return None


def _trace(error: Exception) -> Exception | None:
    """A traceback only for what nobody expected."""
    expected = isinstance(error, Retry | PermanentFailure | ServiceError)
    return None if expected else error


def _lost(error: LeaseLost) -> Outcome:
    _logger.warning("job_lease_lost", reason=str(error))
    return "lost"
