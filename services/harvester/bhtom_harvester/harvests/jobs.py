"""The slow part: ask a source about a target and send what it has."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bhtom_contracts.events.photometry import PhotometryHarvested
from bhtom_harvester.harvests.domain import chunks, content_hash, wanted_of
from bhtom_harvester.harvests.store import (
    HARVEST,
    compare_in_bulk,
    due,
    harvest_job,
    harvest_of,
    hold_of,
    note_answer,
    note_trouble,
    schedule_missing,
    stop_harvest,
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
from bhtom_runtime.jobs.errors import PermanentFailure
from bhtom_runtime.service import Effect, Job, JobKind
from bhtom_runtime.unit_of_work import UnitOfWork, new_event_id

SCHEDULE: Final = "schedule_harvests"
_AGAIN_AFTER: Final = timedelta(minutes=15)
_LONGEST_HOLD: Final = timedelta(hours=24)
_AFTER_FORMAT_CHANGE: Final = timedelta(hours=6)
# Twice what one source is asked in the minute to the next round.
_SCHEDULED_AT_ONCE: Final = 500

Write = Callable[[UnitOfWork], Awaitable[None]]


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
        name, target_id = job.payload["source"], job.payload["target_id"]
        source = self._sources.get(name)
        if source is None:
            raise PermanentFailure(f"There is no source '{name}' any more.")
        async with self._database.read() as connection:
            wanted = wanted_of(await target_of(connection, target_id))
            state = await harvest_of(connection, target_id, name)
            held = await hold_of(connection, name)
        if wanted is None:
            return _stopped(target_id, name)
        if held is not None:
            return _held(wanted, name, held.message, held.hold_until)
        started = datetime.now(UTC)
        try:
            harvest = await source.harvest(wanted)
        except SourceUnreachable as error:
            return _unreachable(wanted, name, error)
        except SourceBroken as error:
            return _failing(wanted, name, str(error))
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
        new_hash = content_hash(rows) if rows else known_hash

        async def write(unit: UnitOfWork) -> None:
            now = datetime.now(UTC)
            if new_hash != known_hash:
                _send(unit, wanted.target_id, source, harvest, now)
            values = {
                "state": "done" if rows else "nothing",
                "message": harvest.message,
                "record_name": harvest.record_name,
                "row_count": len(rows),
                "content_hash": new_hash,
                "started_at": started,
                "finished_at": now,
                "next_at": now + self._cadence,
            }
            await update_harvest(unit, wanted.target_id, source.name, values)

        async def effect(unit: UnitOfWork) -> None:
            await _if_still_wanted(unit, wanted, write)
            await note_answer(unit, source.name, datetime.now(UTC))

        return effect

    async def _schedule(self, _: Job) -> Effect | None:
        names = tuple(self._sources)

        async def effect(unit: UnitOfWork) -> None:
            await compare_in_bulk(unit)
            await schedule_missing(unit, names, _SCHEDULED_AT_ONCE)
            waiting = await due(unit.connection, names, _SCHEDULED_AT_ONCE)
            for target_id, source in waiting:
                await unit.enqueue(harvest_job(target_id, source))

        return effect


async def _if_still_wanted(unit: UnitOfWork, asked: Wanted, write: Write) -> None:
    """Write, unless the target was changed, closed to archives or deleted meanwhile.

    The event that did so has stopped the harvest, or scheduled it anew.
    """
    target = await target_of(unit.connection, asked.target_id, lock=True)
    if wanted_of(target) == asked:
        await write(unit)


def _stopped(target_id: int, source: str) -> Effect:
    async def effect(unit: UnitOfWork) -> None:
        target = await target_of(unit.connection, target_id, lock=True)
        if wanted_of(target) is None:
            await stop_harvest(unit, target_id, source)

    return effect


def _held(wanted: Wanted, source: str, why: str, until: datetime) -> Effect:
    """The source is being spared: the harvest waits without asking."""

    async def effect(unit: UnitOfWork) -> None:
        await _if_still_wanted(unit, wanted, _waiting(wanted, source, why, until))

    return effect


def _unreachable(wanted: Wanted, source: str, error: SourceUnreachable) -> Effect:
    """Not the job's failure: the harvest waits, and its page says for what."""
    asked_pause = timedelta(seconds=min(error.after_s, _LONGEST_HOLD.total_seconds()))
    pause, why = max(_AGAIN_AFTER, asked_pause), str(error)

    async def effect(unit: UnitOfWork) -> None:
        now = datetime.now(UTC)
        write = _waiting(wanted, source, why, now + pause)
        await _if_still_wanted(unit, wanted, write)
        await note_trouble(unit, source, "unreachable", why, now, now + pause)

    return effect


def _failing(wanted: Wanted, source: str, why: str) -> Effect:
    """Somebody has to look: the archive's form changed."""

    async def effect(unit: UnitOfWork) -> None:
        now = datetime.now(UTC)
        again = now + _AFTER_FORMAT_CHANGE
        write = _waiting(wanted, source, why, again, state="failed")
        await _if_still_wanted(unit, wanted, write)
        await note_trouble(unit, source, "failing", why, now, None)

    return effect


def _waiting(
    wanted: Wanted, source: str, why: str, until: datetime, state: str = "waiting"
) -> Write:
    values: dict[str, Any] = {
        "state": state,
        "message": f"{why} Asked again at {until:%Y-%m-%d %H:%M} UTC.",
        "next_at": until,
    }

    async def write(unit: UnitOfWork) -> None:
        await update_harvest(unit, wanted.target_id, source, values)

    return write


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
    target_id, source = job.payload["target_id"], job.payload["source"]
    target = await target_of(unit.connection, target_id, lock=True)
    if wanted_of(target) is None:
        return
    values = {
        "state": "failed",
        "message": f"The harvest failed: {error}"[:500],
        "next_at": datetime.now(UTC) + _AFTER_FORMAT_CHANGE,
    }
    await update_harvest(unit, target_id, source, values)
