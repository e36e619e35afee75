"""Recording what an archive has: a new revision only where its content changed."""

from typing import Any

import structlog

from bhtom_contracts.events.photometry import HarvestedRow, PhotometryHarvested
from bhtom_core.light_curves import store
from bhtom_core.light_curves.domain import (
    SOURCES,
    first_revision,
    harvest_order,
    harvested_revision,
)
from bhtom_core.light_curves.settling import touch
from bhtom_core.rows import Record
from bhtom_runtime.tracing import current_trace_id
from bhtom_runtime.unit_of_work import UnitOfWork

Identity = tuple[str, str]
_logger = structlog.get_logger(__name__)


async def record_harvested(unit: UnitOfWork, event: PhotometryHarvested) -> None:
    """Record a chunk of an archive's rows; hidden points stay hidden."""
    if event.source in SOURCES.values():
        raise ValueError(f"An archive cannot be called '{event.source}'.")
    if not await store.live_targets(unit.connection, [event.target_id]):
        _logger.info("harvest of a deleted target left out", target=event.target_id)
        return
    rows = {(row.record, row.component): row for row in event.rows}
    # In one order, so that two chunks never wait for each other in a circle.
    rows = dict(sorted(rows.items()))
    known = await store.harvested_points(
        unit.connection, event.source, event.target_id, list(rows)
    )
    new = {identity: row for identity, row in rows.items() if identity not in known}
    await _insert(unit, event, new)
    await _revise(unit, event, {identity: rows[identity] for identity in known}, known)


async def _insert(
    unit: UnitOfWork, event: PhotometryHarvested, rows: dict[Identity, HarvestedRow]
) -> None:
    current = first_revision(harvest_order(event.harvested_at))
    made = await store.insert_new_points(
        unit.connection,
        [
            {
                "target_id": event.target_id,
                "source": event.source,
                "record": row.record,
                "component": row.component,
                "mjd": row.mjd,
                **store.current_columns(current),
            }
            for row in rows.values()
        ],
    )
    await store.insert_revisions(
        unit.connection,
        [
            _revision(event, rows[identity], point_id, current.revision)
            for identity, point_id in made.items()
        ],
    )
    for point_id in made.values():
        touch(unit, event.target_id, point_id)


async def _revise(
    unit: UnitOfWork,
    event: PhotometryHarvested,
    rows: dict[Identity, HarvestedRow],
    known: dict[Identity, Record],
) -> None:
    order = harvest_order(event.harvested_at)
    revisions: list[dict[str, Any]] = []
    currents: list[dict[str, Any]] = []
    for identity, row in rows.items():
        point = known[identity]
        before = store.current_of(point)
        revision = _revision(event, row, point.point_id, before.count + 1)
        if revision["content_hash"] == point.content_hash:
            after = before.seen_again(order)
        else:
            after = before.after(order)
            revisions.append(revision)
        if after == before:
            continue
        counts = after.revision != before.revision
        mjd = row.mjd if counts else point.mjd
        currents.append(
            {"of_point": point.point_id, "mjd": mjd, **store.current_columns(after)}
        )
        if counts:
            touch(unit, event.target_id, point.point_id)
    await store.insert_revisions(unit.connection, revisions)
    await store.update_currents(unit.connection, currents)


def _revision(
    event: PhotometryHarvested, row: HarvestedRow, point_id: int, number: int
) -> dict[str, Any]:
    return {
        "point_id": point_id,
        "revision": number,
        "target_id": event.target_id,
        "trace_id": current_trace_id(),
        **harvested_revision(event, row),
    }
