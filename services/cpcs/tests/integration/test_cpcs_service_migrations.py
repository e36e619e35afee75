"""The schema's migrations."""

from collections.abc import Callable

import asyncpg

from bhtom_runtime.migrations.commands import check, downgrade, upgrade

PACKAGE = "bhtom_cpcs"


async def _tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'cpcs'"
        )
    finally:
        await connection.close()
    return {row["tablename"] for row in rows}


async def test_up_nothing_left_and_down(
    fresh_database: Callable[[str], str],
) -> None:
    url = fresh_database("cpcs")
    upgrade(PACKAGE, url)
    check(PACKAGE, url)
    assert {"calibrations", "calibration_requests", "outbox"} <= await _tables(url)
    downgrade(PACKAGE, url, "base")
    assert await _tables(url) == {"alembic_version"}
    upgrade(PACKAGE, url)
    check(PACKAGE, url)
