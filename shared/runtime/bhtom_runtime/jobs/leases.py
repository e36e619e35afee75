"""Leases: kept by those who work, taken from those who do not."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import structlog
from sqlalchemy import BigInteger, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_runtime.database import Database
from bhtom_runtime.job_metrics import DEATHS, RESCUED
from bhtom_runtime.jobs import fence
from bhtom_runtime.jobs.claim import job_of
from bhtom_runtime.jobs.errors import sentence_of
from bhtom_runtime.service import Job, JobKind
from bhtom_runtime.tracing import traced

# When a job could not be buried.
LOOK_AGAIN_S: Final = 60.0

_logger = structlog.get_logger(__name__)

# A job whose result is being written is locked by that transaction. To wait for it
# would let every other lease of this worker run out, so it is passed over.
_EXTEND: Final = text(
    """
    WITH ours AS (
        SELECT id, attempt FROM unnest(
            CAST(:ids AS bigint[]), CAST(:attempts AS int[])
        ) AS given (id, attempt)
    ),
    free AS (
        SELECT jobs.id FROM jobs JOIN ours USING (id, attempt)
        WHERE state = 'running'
        FOR NO KEY UPDATE OF jobs SKIP LOCKED
    ),
    extended AS (
        UPDATE jobs
        SET lease_until = clock_timestamp() + make_interval(secs => :lease_s)
        FROM free WHERE jobs.id = free.id
        RETURNING jobs.id
    )
    SELECT ours.id, ours.attempt FROM ours
    WHERE NOT EXISTS (
        SELECT 1 FROM jobs
        WHERE jobs.id = ours.id AND jobs.attempt = ours.attempt AND state = 'running'
    )
    """
)

_REQUEUE: Final = text(
    """
    WITH lost AS (
        SELECT id, worker, error FROM jobs
        WHERE state = 'running' AND lease_until < clock_timestamp()
          AND attempt < max_attempts
        ORDER BY lease_until
        LIMIT 200
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE jobs
    SET state = 'ready', worker = NULL, lease_until = NULL,
        -- One lost worker is nobody's fault; a job that loses more must wait.
        run_at = clock_timestamp() + CASE WHEN attempt > 1
            THEN make_interval(secs => least(
                CAST(:pause_s AS float8) * power(3.0, attempt - 2), 900))
            ELSE interval '0' END,
        error = 'Its worker ' || COALESCE(lost.worker, '') || ' died or froze during '
            || 'attempt ' || attempt || '.'
    FROM lost WHERE jobs.id = lost.id
    RETURNING jobs.id, jobs.kind, jobs.attempt
    """
)

_EXHAUSTED: Final = text(
    """
    SELECT id, kind, payload, attempt, max_attempts, fair_key, traceparent, error,
           worker
    FROM jobs
    WHERE state = 'running' AND lease_until < clock_timestamp()
      AND attempt >= max_attempts AND kind = ANY(CAST(:kinds AS text[]))
    ORDER BY lease_until
    LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
    """
).columns(
    id=BigInteger,
    kind=Text,
    payload=JSONB,
    attempt=Integer,
    max_attempts=Integer,
    fair_key=Text,
    traceparent=Text,
    error=Text,
    worker=Text,
)

_LOOK_LATER: Final = text(
    """
    UPDATE jobs SET lease_until = clock_timestamp() + make_interval(secs => :seconds)
    WHERE id = :id AND attempt = :attempt AND state = 'running'
    """
)


async def extend(
    connection: AsyncConnection, jobs: Collection[Job], lease_s: float
) -> frozenset[tuple[int, int]]:
    """Renew the leases of running jobs; give (id, attempt) of those ours no more."""
    lost = await connection.execute(
        _EXTEND,
        {
            "ids": [job.id for job in jobs],
            "attempts": [job.attempt for job in jobs],
            "lease_s": lease_s,
        },
    )
    return frozenset((row.id, row.attempt) for row in lost)


async def rescue(database: Database, kinds: Mapping[str, JobKind]) -> str | None:
    """Let the jobs of dead or frozen workers run again, or bury them.

    Gives a sentence about a job that could not be buried, None when there is none.
    """
    async with database.unit_of_work() as uow:
        lost = (await uow.execute(_REQUEUE, {"pause_s": fence.FIRST_PAUSE_S})).all()
        if lost:
            uow.wake()
    for row in lost:
        RESCUED.labels(database.schema, row.kind).inc()
        _logger.warning(
            "job_rescued", job_id=row.id, job_kind=row.kind, lost=row.attempt
        )
    problem: str | None = None
    while (buried := await _bury_one(database, kinds)) is not None:
        problem = buried or problem
    return problem


async def _bury_one(database: Database, kinds: Mapping[str, JobKind]) -> str | None:
    """Bury the next job that lost its last worker, in one transaction.

    None when there is no such job, an empty text when it is buried, else why not.
    """
    job = None
    try:
        async with database.unit_of_work() as uow:
            row = (await uow.execute(_EXHAUSTED, {"kinds": list(kinds)})).first()
            if row is None:
                return None
            job, reason = job_of(row), _epitaph(row)
            with traced(job.traceparent, job_id=job.id, job_kind=job.kind):
                await fence.bury(uow, job, kinds[job.kind], reason)
    except Exception as error:
        if job is None:
            raise
        _logger.exception("job_not_buried", job_id=job.id, job_kind=job.kind)
        async with database.unit_of_work() as uow:
            await uow.execute(
                _LOOK_LATER,
                {"id": job.id, "attempt": job.attempt, "seconds": LOOK_AGAIN_S},
            )
        return f"Job {job.id} ({job.kind}) cannot be buried: {sentence_of(error)}"
    RESCUED.labels(database.schema, job.kind).inc()
    DEATHS.labels(database.schema, job.kind).inc()
    _logger.warning("job_dead", job_id=job.id, job_kind=job.kind, reason=reason)
    return ""


def _epitaph(row: Any) -> str:
    sentences: Sequence[str] = (
        f"Its worker {row.worker} died or froze during attempt {row.attempt}, the last "
        "that it had.",
        f"Before that: {row.error}" if row.error else "",
    )
    return " ".join(sentences).strip()
