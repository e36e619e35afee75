"""How many jobs wait, for the metrics by which workers are scaled."""

from collections.abc import Collection
from typing import Final

import structlog
from sqlalchemy import text

from bhtom_runtime.database import Database
from bhtom_runtime.job_metrics import BACKLOG, OLDEST_SECONDS

_logger = structlog.get_logger(__name__)

_COUNT: Final = text(
    """
    SELECT queue, kind, state, count(*) AS jobs,
           CAST(extract(epoch FROM now() - min(run_at)) AS float8) AS oldest_s
    FROM jobs WHERE state IN ('ready', 'running')
    GROUP BY queue, kind, state
    """
)


class Backlog:
    """Sets the gauges, and says which jobs no worker of this release can run."""

    def __init__(
        self, database: Database, queues: Collection[str], kinds: Collection[str]
    ) -> None:
        self._database = database
        self._queues = frozenset(queues)
        self._known = {
            (kind, state) for kind in kinds for state in ("ready", "running")
        }
        self._kinds = frozenset(kinds)
        self._foreign: frozenset[tuple[str, str]] = frozenset()

    async def measure(self) -> None:
        """Count once."""
        async with self._database.read() as connection:
            rows = (await connection.execute(_COUNT)).all()
        service = self._database.schema
        counts = dict.fromkeys(self._known, 0)
        oldest = dict.fromkeys((kind for kind, _ in self._known), 0.0)
        for row in rows:
            key = (row.kind, row.state)
            counts[key] = counts.get(key, 0) + row.jobs
            if row.state == "ready":
                oldest[row.kind] = max(oldest.get(row.kind, 0.0), row.oldest_s)
        for (kind, state), jobs in counts.items():
            BACKLOG.labels(service, kind, state).set(jobs)
        for kind, seconds in oldest.items():
            OLDEST_SECONDS.labels(service, kind).set(seconds)
        self._known |= set(counts)
        self._warn({(row.queue, row.kind) for row in rows if row.state == "ready"})

    def _warn(self, ready: set[tuple[str, str]]) -> None:
        foreign = frozenset(
            (queue, kind)
            for queue, kind in ready
            if queue not in self._queues or kind not in self._kinds
        )
        for queue, kind in foreign - self._foreign:
            _logger.warning("jobs_nobody_here_runs", queue=queue, job_kind=kind)
        self._foreign = foreign
