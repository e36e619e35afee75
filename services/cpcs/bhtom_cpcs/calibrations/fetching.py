"""A job that asks archives for what frames wait for; only if an operator wants it."""

from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from bhtom_cpcs.calibrations import waiting
from bhtom_cpcs.reference_catalogues.surveys import KNOWN
from bhtom_cpcs.settings import CpcsSettings
from bhtom_runtime.service import Context, Cron, Job, JobKind

FETCH: Final = "fetch_missing_tiles"
FETCHING: Final = Cron(FETCH, timedelta(minutes=1), FETCH)
_TIMEOUT_S: Final = 900.0

_logger = structlog.get_logger(__name__)


def fetching(context: Context, settings: CpcsSettings) -> JobKind:
    """One field each time it runs; what comes wakes those who wait, as imports do."""
    names = [name for name, known in KNOWN.items() if known.archive is not None]

    async def fetch(_: Job) -> None:
        async with context.database.read() as connection:
            requests = await waiting.longest_waiting(connection, names)
        if requests:
            said = await context.pool.run(
                fetch_in_process,
                str(settings.catalogue_folder),
                [(r.catalogue, r.healpix_order, r.pixels) for r in requests],
                timeout_s=_TIMEOUT_S,
            )
            if said is not None:
                _logger.info("fetched", message=said)

    return JobKind(FETCH, fetch, timeout_s=2 * _TIMEOUT_S)


def fetch_in_process(
    folder: str, missing: list[tuple[str, int, tuple[int, ...]]]
) -> str | None:
    """Fetch in a process of its own: its libraries are heavy."""
    from bhtom_cpcs.reference_catalogues.fetching.fetch import (
        MissingField,
        fetch_first_missing,
    )

    fields = [MissingField(*field) for field in missing]
    return fetch_first_missing(Path(folder), fields)
