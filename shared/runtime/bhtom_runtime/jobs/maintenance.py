"""Removes rows that nobody needs any more, in small transactions."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import Delete, delete, exists, or_, select, tuple_
from sqlalchemy.sql import func

from bhtom_contracts.registry import TOPICS
from bhtom_runtime.database import Database
from bhtom_runtime.service import Cron, Effect, Job, JobKind
from bhtom_runtime.tables import Infrastructure

_logger = structlog.get_logger(__name__)

QUEUE: Final = "maintenance"
PRUNE: Final = "runtime.prune"
_BATCH: Final = 2000
_STATE_TOPICS: Final = [topic.name for topic in TOPICS if topic.kind == "state"]

DONE_KEPT: Final = timedelta(days=3)
DEAD_KEPT: Final = timedelta(days=180)
# A broker that was lost is filled again from these.
OUTBOX_KEPT: Final = timedelta(days=30)
# Longer than the outbox and any topic: an event that comes again must be known.
INBOX_KEPT: Final = timedelta(days=60)


def maintenance_parts(
    database: Database,
) -> tuple[tuple[JobKind, ...], tuple[Cron, ...]]:
    """The job kind and the cron by which every service prunes its own tables."""

    async def prune_tables(_: Job) -> Effect | None:
        removed = await prune(database)
        if any(removed.values()):
            _logger.info("pruned", **removed)
        return None

    kinds = (JobKind(PRUNE, prune_tables, queue=QUEUE, timeout_s=1800.0),)
    return kinds, (Cron(PRUNE, timedelta(minutes=10), PRUNE),)


async def prune(database: Database) -> Mapping[str, int]:
    """Remove what is older than it is kept; give how many rows of which table."""
    return {
        name: await _remove(database, statement)
        for name, statement in _statements(database.infrastructure).items()
    }


async def _remove(database: Database, statement: Delete) -> int:
    removed = 0
    while True:
        # Short transactions: a long one would hold back vacuum and the relay.
        async with database.unit_of_work() as uow:
            result = await uow.execute(statement)
        removed += result.rowcount
        if result.rowcount < _BATCH:
            return removed


def _statements(tables: Infrastructure) -> dict[str, Delete]:
    jobs, outbox, inbox = tables.jobs, tables.outbox, tables.inbox
    old_jobs = (
        select(jobs.c.id)
        .where(
            or_(
                jobs.c.state.in_(("done", "cancelled"))
                & (jobs.c.finished_at < func.now() - DONE_KEPT),
                (jobs.c.state == "dead")
                & (jobs.c.finished_at < func.now() - DEAD_KEPT),
            )
        )
        .limit(_BATCH)
    )
    newer = outbox.alias("newer")
    # The newest snapshot of a thing stays for good: a lost broker has it from here.
    is_replaced = exists().where(
        newer.c.topic == outbox.c.topic,
        newer.c.key == outbox.c.key,
        newer.c.id > outbox.c.id,
    )
    old_events = (
        select(outbox.c.id)
        .where(
            outbox.c.published_at < func.now() - OUTBOX_KEPT,
            or_(outbox.c.topic.not_in(_STATE_TOPICS), is_replaced),
        )
        .limit(_BATCH)
    )
    old_marks = (
        select(inbox.c.consumer, inbox.c.event_id)
        .where(inbox.c.claimed_at < func.now() - INBOX_KEPT)
        .limit(_BATCH)
    )
    return {
        "jobs": delete(jobs).where(jobs.c.id.in_(old_jobs)),
        "outbox": delete(outbox).where(outbox.c.id.in_(old_events)),
        "inbox": delete(inbox).where(
            tuple_(inbox.c.consumer, inbox.c.event_id).in_(old_marks)
        ),
    }
