"""Takes jobs for a worker: in turn, within the limits, one claim at a time."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BigInteger, Double, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from bhtom_runtime.service import Job, RateLimit
from bhtom_runtime.unit_of_work import UnitOfWork

# READ COMMITTED takes a statement's snapshot when it begins: what is counted in the
# statement that waits for the lock would be from before the lock.
_LOCK: Final = text(
    """
    SELECT set_config('idle_in_transaction_session_timeout', '3s', true),
           pg_advisory_xact_lock(CAST(4242002 AS int), hashtext(current_schema()))
    """
)

_RUNNING: Final = text(
    """
    SELECT limit_key, count(*) AS running
    FROM jobs
    WHERE state = 'running' AND limit_key = ANY(CAST(:keys AS text[]))
    GROUP BY limit_key
    """
)

# The pairs of (fair key, priority) are found by jumping through ix_jobs_ready. Of
# each the first few due jobs are numbered: that, with what the key already runs, is
# the turn in which they come.
_CLAIM: Final = text(
    """
    WITH RECURSIVE turns AS (
        (SELECT fair_key, priority FROM jobs
         WHERE queue = :queue AND state = 'ready'
         ORDER BY fair_key, priority DESC LIMIT 1)
        UNION ALL
        SELECT following.fair_key, following.priority
        FROM turns CROSS JOIN LATERAL (
            (SELECT 0 AS step, fair_key, priority FROM jobs
             WHERE queue = :queue AND state = 'ready'
               AND fair_key = turns.fair_key AND priority < turns.priority
             ORDER BY priority DESC LIMIT 1)
            UNION ALL
            (SELECT 1 AS step, fair_key, priority FROM jobs
             WHERE queue = :queue AND state = 'ready' AND fair_key > turns.fair_key
             ORDER BY fair_key, priority DESC LIMIT 1)
            ORDER BY step LIMIT 1
        ) AS following
    ),
    busy AS (
        SELECT fair_key, count(*) AS running FROM jobs
        WHERE queue = :queue AND state = 'running'
        GROUP BY fair_key
    ),
    candidates AS (
        SELECT job.id, job.limit_key, job.run_at, turns.priority,
               COALESCE(busy.running, 0) + row_number() OVER (
                   PARTITION BY turns.fair_key, turns.priority
                   ORDER BY job.run_at, job.id
               ) AS turn
        FROM turns
        CROSS JOIN LATERAL (
            SELECT id, limit_key, run_at FROM jobs
            WHERE queue = :queue AND state = 'ready'
              AND fair_key = turns.fair_key AND priority = turns.priority
              AND run_at <= statement_timestamp()
              AND kind = ANY(CAST(:kinds AS text[]))
              AND (limit_key IS NULL OR limit_key <> ALL(CAST(:full_keys AS text[])))
            ORDER BY run_at, id
            LIMIT :wanted
        ) AS job
        LEFT JOIN busy ON busy.fair_key = turns.fair_key
    ),
    ranked AS (
        SELECT *, row_number() OVER (
            PARTITION BY limit_key ORDER BY priority DESC, turn, run_at, id
        ) AS place
        FROM candidates
    ),
    chosen AS (
        SELECT ranked.id
        FROM ranked
        LEFT JOIN unnest(
            CAST(:limit_keys AS text[]), CAST(:rooms AS bigint[])
        ) AS room (limit_key, places) ON room.limit_key = ranked.limit_key
        WHERE room.places IS NULL OR ranked.place <= room.places
        ORDER BY ranked.priority DESC, ranked.turn, ranked.run_at, ranked.id
        LIMIT :wanted
    ),
    taken AS (
        SELECT id FROM jobs
        WHERE id IN (SELECT id FROM chosen) AND state = 'ready'
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE jobs
    SET state = 'running',
        attempt = attempt + 1,
        worker = :worker,
        started_at = clock_timestamp(),
        lease_until = clock_timestamp() + make_interval(secs => :lease_s)
    FROM taken
    WHERE jobs.id = taken.id
    RETURNING jobs.id, kind, payload, attempt, max_attempts, fair_key, limit_key,
              traceparent,
              CAST(extract(epoch FROM clock_timestamp() - run_at) AS float8) AS waited_s
    """
).columns(
    id=BigInteger,
    kind=Text,
    payload=JSONB,
    attempt=Integer,
    max_attempts=Integer,
    fair_key=Text,
    limit_key=Text,
    traceparent=Text,
    waited_s=Double,
)

# A bucket of the token-bucket rates is one time: when it will be full again. It is
# kept among the crons, which are the rows that say when something may happen next.
_BUCKETS: Final = text(
    """
    SELECT name,
           CAST(extract(epoch FROM next_run_at - clock_timestamp()) AS float8)
               AS full_in_s
    FROM crons WHERE name = ANY(CAST(:names AS text[]))
    """
)

_TAKE_TOKENS: Final = text(
    """
    INSERT INTO crons AS bucket (name, next_run_at, last_run_at)
    VALUES (:name, clock_timestamp() + make_interval(secs => :seconds),
            clock_timestamp())
    ON CONFLICT (name) DO UPDATE
    SET next_run_at = GREATEST(bucket.next_run_at, clock_timestamp())
                      + make_interval(secs => :seconds),
        last_run_at = clock_timestamp()
    """
)


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims, what it can run, and the limits that its service keeps."""

    worker: str
    kinds: Collection[str]
    limits: Mapping[str, RateLimit]
    lease_s: float


@dataclass(frozen=True, slots=True)
class Claimed:
    """The jobs that a worker got, and when a rate lets it have more."""

    jobs: Sequence[Job]
    waited_s: Sequence[float]
    next_token_s: float | None


@dataclass(slots=True)
class _Rooms:
    """How many more jobs each limit key may start now."""

    places: dict[str, int] = field(default_factory=dict)
    next_token_s: float | None = None


async def claim(
    uow: UnitOfWork, claimant: Claimant, queue: str, wanted: int
) -> Claimed:
    """Take up to `wanted` jobs of a queue; they run as soon as this commits."""
    await uow.execute(_LOCK)
    rooms = await _rooms(uow, claimant.limits)
    open_keys = [key for key, places in rooms.places.items() if places > 0]
    rows = (
        await uow.execute(
            _CLAIM,
            {
                "queue": queue,
                "kinds": list(claimant.kinds),
                "full_keys": [key for key in rooms.places if key not in open_keys],
                "limit_keys": open_keys,
                "rooms": [rooms.places[key] for key in open_keys],
                "wanted": wanted,
                "worker": claimant.worker,
                "lease_s": claimant.lease_s,
            },
        )
    ).all()
    await _take_tokens(uow, claimant.limits, [row.limit_key for row in rows])
    return Claimed(
        jobs=[job_of(row) for row in rows],
        waited_s=[row.waited_s for row in rows],
        next_token_s=rooms.next_token_s,
    )


def bucket_size(limit: RateLimit) -> int:
    """How many jobs may start at once after a pause: never a second's worth more."""
    return max(1, min(limit.concurrent, math.floor(limit.per_second)))


async def _rooms(uow: UnitOfWork, limits: Mapping[str, RateLimit]) -> _Rooms:
    rooms = _Rooms()
    if not limits:
        return rooms
    counted = await uow.execute(_RUNNING, {"keys": list(limits)})
    running = {row.limit_key: row.running for row in counted}
    found = await uow.execute(_BUCKETS, {"names": [_bucket(key) for key in limits]})
    full_in_s = {row.name: max(0.0, row.full_in_s) for row in found}
    for key, limit in limits.items():
        free = limit.concurrent - running.get(key, 0)
        size = bucket_size(limit)
        missing = full_in_s.get(_bucket(key), 0.0) * limit.per_second
        # A hair of tolerance: the times are rounded to microseconds.
        tokens = math.floor(size - missing + 1e-4)
        rooms.places[key] = max(0, min(free, tokens))
        if free > 0 and tokens < 1:
            wait_s = (missing - size + 1) / limit.per_second
            rooms.next_token_s = min(wait_s, rooms.next_token_s or math.inf)
    return rooms


async def _take_tokens(
    uow: UnitOfWork, limits: Mapping[str, RateLimit], keys: Sequence[str | None]
) -> None:
    for key, limit in limits.items():
        if started := keys.count(key):
            await uow.execute(
                _TAKE_TOKENS,
                {"name": _bucket(key), "seconds": started / limit.per_second},
            )


def _bucket(key: str) -> str:
    return f"rate of {key}"


def job_of(row: Any) -> Job:
    """The job of a row that was taken."""
    return Job(
        id=row.id,
        kind=row.kind,
        payload=row.payload,
        attempt=row.attempt,
        max_attempts=row.max_attempts,
        fair_key=row.fair_key,
        traceparent=row.traceparent,
    )
