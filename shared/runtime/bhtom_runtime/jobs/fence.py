"""Every end of an attempt, fenced: it happens only while the attempt is still ours."""

import random
from typing import Final

from sqlalchemy import TextClause, text

from bhtom_runtime.jobs.errors import LeaseLost
from bhtom_runtime.service import Job, JobKind
from bhtom_runtime.unit_of_work import UnitOfWork

FIRST_PAUSE_S: Final = 2.0
LONGEST_PAUSE_S: Final = 900.0

# These two also see to it that a worker which freezes in the transaction that follows
# does not keep the row, and what its effect touched, locked.
_DONE: Final = text(
    """
    UPDATE jobs
    SET state = 'done', finished_at = now(), lease_until = NULL, error = NULL
    WHERE id = :id AND attempt = :attempt AND state = 'running'
    RETURNING id, set_config('idle_in_transaction_session_timeout', '15s', true)
    """
)
_DEAD: Final = text(
    """
    UPDATE jobs
    SET state = 'dead', finished_at = now(), lease_until = NULL, error = :error
    WHERE id = :id AND attempt = :attempt AND state = 'running'
    RETURNING id, set_config('idle_in_transaction_session_timeout', '15s', true)
    """
)
_AGAIN: Final = text(
    """
    UPDATE jobs
    SET state = 'ready', worker = NULL, lease_until = NULL, error = :error,
        run_at = clock_timestamp() + make_interval(secs => :after_s)
    WHERE id = :id AND attempt = :attempt AND state = 'running'
    RETURNING id
    """
)
# The count goes back only when the attempt ended in good order, by its own worker:
# a lost attempt stays counted, so no later one can have its number.
_UNCOUNTED: Final = text(
    """
    UPDATE jobs
    SET state = 'ready', worker = NULL, lease_until = NULL,
        error = COALESCE(:error, error), attempt = attempt - 1,
        run_at = clock_timestamp() + make_interval(secs => :after_s)
    WHERE id = :id AND attempt = :attempt AND state = 'running'
    RETURNING id
    """
)


async def complete(uow: UnitOfWork, job: Job) -> None:
    """Mark the job done, before its effect is written in the same transaction."""
    await _fenced(uow, _DONE, job)


async def retry(uow: UnitOfWork, job: Job, error: str, after_s: float | None) -> None:
    """Let the job run again after a pause."""
    pause = back_off_s(job.attempt) if after_s is None else max(0.0, after_s)
    await _fenced(uow, _AGAIN, job, error=error, after_s=pause)


async def postpone(uow: UnitOfWork, job: Job, reason: str, after_s: float) -> None:
    """Let the job run later, as if this attempt had not been."""
    await _fenced(uow, _UNCOUNTED, job, error=reason, after_s=max(0.0, after_s))


async def release(uow: UnitOfWork, job: Job) -> None:
    """Give an interrupted job back, for another worker to begin at once."""
    await _fenced(uow, _UNCOUNTED, job, error=None, after_s=0.0)
    uow.wake()


async def bury(uow: UnitOfWork, job: Job, kind: JobKind, error: str) -> None:
    """End the job without success, with what its kind does then."""
    await _fenced(uow, _DEAD, job, error=error)
    if kind.on_dead is not None:
        await kind.on_dead(uow, job, error)
    uow.wake()


def back_off_s(attempt: int) -> float:
    """The pause after an attempt that failed: 2 s, 6 s, 18 s, ..., with jitter."""
    pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 3.0 ** min(attempt - 1, 20))
    return pause * random.uniform(0.75, 1.25)


async def _fenced(
    uow: UnitOfWork, statement: TextClause, job: Job, **values: object
) -> None:
    result = await uow.execute(
        statement, {"id": job.id, "attempt": job.attempt, **values}
    )
    if result.first() is None:
        raise LeaseLost(
            f"Attempt {job.attempt} of job {job.id} belongs to this worker no more."
        )
