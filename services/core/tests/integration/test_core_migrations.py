"""Migrations: from nothing, to what the code expects, and back."""

from collections.abc import Callable

import asyncpg

from bhtom_core.main import SERVICE
from bhtom_runtime.migrations.commands import check, downgrade, upgrade


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'core'"
        )
    finally:
        await connection.close()
    return {row["tablename"] for row in rows}


async def test_up_check_down_and_up_again(
    fresh_database: Callable[[str], str],
) -> None:
    url = fresh_database("core")
    upgrade(SERVICE.package, url)
    check(SERVICE.package, url)
    made = await tables(url)
    assert {"targets", "points", "point_revisions", "outbox", "jobs"} <= made
    downgrade(SERVICE.package, url, "base")
    assert await tables(url) == {"alembic_version"}
    upgrade(SERVICE.package, url)
    assert await tables(url) == made
