"""The slow part: ask a source about a target and send what it has."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bhtom_contracts.events.photometry import HarvestedRow, PhotometryHarvested
from bhtom_contracts.registry import MAX_EVENT_BYTES
from bhtom_harvester.harvests.store import (
    due,
    harvest_of,
    note_source,
    target_of,
    update_harvest,
)
from bhtom_harvester.sources.interface import (
    Harvest,
    Source,
    SourceBroken,
    SourceUnreachable,
    Wanted,
)
from bhtom_runtime.database import Database
from bhtom_runtime.service import Effect, Job, JobKind
from bhtom_runtime.unit_of_work import NewJob, UnitOfWork, new_event_id

HARVEST: Final = "harvest"
SCHEDULE: Final = "schedule_harvests"
# An event may have 256 KiB; a row has some 500 bytes as JSON.
ROWS_PER_CHUNK: Final = MAX_EVENT_BYTES // 1024
_AGAIN_AFTER: Final = timedelta(minutes=15)
_AFTER_FORMAT_CHANGE: Final = timedelta(hours=6)


def harvest_job(target_id: int, source: str) -> NewJob:
    """The job that asks a source about a target."""
    return NewJob(
        kind=HARVEST,
        payload={"target_id": target_id, "source": source},
        fair_key=source,
        limit_key=source,
        dedupe_key=f"{source}/{target_id}",
    )


def chunks(rows: Sequence[HarvestedRow]) -> list[tuple[HarvestedRow, ...]]:
    """Rows cut into events; no rows make no event."""
    return [
        tuple(rows[start : start + ROWS_PER_CHUNK])
        for start in range(0, len(rows), ROWS_PER_CHUNK)
    ]


def content_hash(rows: Sequence[HarvestedRow]) -> str:
    """What changes when an archive adds or reprocesses rows."""
    digest = hashlib.sha256()
    for row in sorted(rows, key=lambda row: (row.record, row.component)):
        digest.update(row.model_dump_json().encode())
    return digest.hexdigest()


class Harvesting:
    """The harvester's jobs."""

    def __init__(
        self, database: Database, sources: Mapping[str, Source], cadence: timedelta
    ) -> None:
        self._database = database
        self._sources = sources
        self._cadence = cadence

    def kinds(self) -> tuple[JobKind, ...]:
        """What the worker runs."""
        return (
            JobKind(HARVEST, self._harvest, on_dead=_say_failed, timeout_s=300.0),
            JobKind(SCHEDULE, self._schedule, timeout_s=60.0),
        )

    async def _harvest(self, job: Job) -> Effect | None:
        source = self._sources[job.payload["source"]]
        async with self._database.read() as connection:
            row = await target_of(connection, job.payload["target_id"])
            state = await harvest_of(connection, job.payload["target_id"], source.name)
        if row is None or row.deleted_at is not None or not row.archives_allowed:
            return None
        wanted = Wanted(row.target_id, (row.name, *row.aliases), row.ra, row.dec)
        started = datetime.now(UTC)
        try:
            harvest = await source.harvest(wanted)
        except SourceUnreachable as error:
            return self._without_answer(
                wanted, source, "unreachable", str(error), _AGAIN_AFTER
            )
        except SourceBroken as error:
            return self._without_answer(
                wanted, source, "failing", str(error), _AFTER_FORMAT_CHANGE
            )
        known_hash = None if state is None else state.content_hash
        return self._answered(wanted, source, harvest, started, known_hash)

    def _answered(
        self,
        wanted: Wanted,
        source: Source,
        harvest: Harvest,
        started: datetime,
        known_hash: str | None,
    ) -> Effect:
        rows = tuple(harvest.rows)
        new_hash = content_hash(rows)

        async def effect(unit: UnitOfWork) -> None:
            now = datetime.now(UTC)
            if rows and new_hash != known_hash:
                _send(unit, wanted.target_id, source, harvest, now)
            await update_harvest(
                unit,
                wanted.target_id,
                source.name,
                {
                    "state": "done" if rows else "nothing",
                    "message": harvest.message,
                    "record_name": harvest.record_name,
                    "row_count": len(rows),
                    "content_hash": new_hash,
                    "started_at": started,
                    "finished_at": now,
                    "next_at": now + self._cadence,
                },
            )
            await note_source(unit, source.name, "ok", "It answers.", now)

        return effect

    def _without_answer(
        self, wanted: Wanted, source: Source, state: str, why: str, again: timedelta
    ) -> Effect:
        """Not the job's failure: the harvest waits, and its page says for what."""

        async def effect(unit: UnitOfWork) -> None:
            now = datetime.now(UTC)
            next_at = now + again
            values: dict[str, Any] = {
                "state": "waiting" if state == "unreachable" else "failed",
                "message": f"{why} Tried again at {next_at:%Y-%m-%d %H:%M} UTC.",
                "next_at": next_at,
            }
            await update_harvest(unit, wanted.target_id, source.name, values)
            await note_source(unit, source.name, state, why, now)

        return effect

    async def _schedule(self, _: Job) -> Effect | None:
        async with self._database.read() as connection:
            waiting = await due(connection, limit=500)

        async def effect(unit: UnitOfWork) -> None:
            for target_id, source in waiting:
                await unit.enqueue(harvest_job(target_id, source))

        return effect


def _send(
    unit: UnitOfWork, target_id: int, source: Source, harvest: Harvest, now: datetime
) -> None:
    cut = chunks(harvest.rows)
    batch_id = new_event_id()
    for number, rows in enumerate(cut):
        unit.emit(
            PhotometryHarvested(
                target_id=target_id,
                source=source.name,
                source_url=harvest.url,
                citation=source.citation,
                batch_id=batch_id,
                chunk=number,
                chunk_count=len(cut),
                harvested_at=now,
                rows=rows,
            )
        )


async def _say_failed(unit: UnitOfWork, job: Job, error: str) -> None:
    now = datetime.now(UTC)
    await update_harvest(
        unit,
        job.payload["target_id"],
        job.payload["source"],
        {
            "state": "failed",
            "message": f"The harvest failed: {error}"[:500],
            "next_at": now + _AFTER_FORMAT_CHANGE,
        },
    )
