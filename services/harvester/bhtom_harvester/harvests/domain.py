"""Which targets archives are asked about, and how what they have is sent."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bhtom_contracts.events.photometry import HarvestedRow
from bhtom_contracts.registry import MAX_EVENT_BYTES
from bhtom_harvester.sources.interface import Wanted

ROWS_PER_CHUNK: Final = MAX_EVENT_BYTES // 1024
# The rest is for the event's other fields, and for the commas.
BYTES_PER_CHUNK: Final = MAX_EVENT_BYTES * 3 // 4


def wanted_of(target: Mapping[str, Any] | None) -> Wanted | None:
    """What archives are asked about a target; None when they must not be asked.

    A private target goes to outside archives only by its owner's choice, which core
    tells as `archives_allowed`.
    """
    if target is None or target["deleted_at"] is not None:
        return None
    if not target["archives_allowed"]:
        return None
    names = (target["name"], *target["aliases"])
    return Wanted(target["target_id"], names, target["ra"], target["dec"])


def chunks(rows: Sequence[HarvestedRow]) -> list[tuple[HarvestedRow, ...]]:
    """Rows cut into events, by number and by size; no rows make no event."""
    cut: list[list[HarvestedRow]] = []
    size = 0
    for row in rows:
        row_bytes = len(row.model_dump_json().encode())
        is_full = size + row_bytes > BYTES_PER_CHUNK
        if not cut or is_full or len(cut[-1]) == ROWS_PER_CHUNK:
            cut.append([])
            size = 0
        cut[-1].append(row)
        size += row_bytes
    return [tuple(part) for part in cut]


def content_hash(rows: Sequence[HarvestedRow]) -> str:
    """What changes when an archive adds or reprocesses rows."""
    digest = hashlib.sha256()
    for row in sorted(rows, key=lambda row: (row.record, row.component)):
        digest.update(row.model_dump_json().encode())
    return digest.hexdigest()
