"""Every service's migrations: up from nothing, complete, and back to nothing."""

from collections.abc import Callable

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from bhtom_runtime.migrations.commands import check, configuration, downgrade, upgrade

SERVICES = ("core", "upload", "cpcs", "harvester")


async def _columns(url: str, schema: str) -> set[tuple[str, str]]:
    """Every table's columns and indexes."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT table_name AS of, column_name AS name "
            "FROM information_schema.columns WHERE table_schema = $1 "
            "UNION ALL SELECT tablename, indexname FROM pg_indexes "
            "WHERE schemaname = $1",
            schema,
        )
    finally:
        await connection.close()
    return {(row["of"], row["name"]) for row in rows}


@pytest.mark.parametrize("service", SERVICES)
async def test_migrations(fresh_database: Callable[[str], str], service: str) -> None:
    package, url = f"bhtom_{service}", fresh_database(service)
    for neighbour in SERVICES:
        # The others' tables must not confuse the comparison.
        upgrade(f"bhtom_{neighbour}", fresh_database(neighbour))
    check(package, url)
    before = await _columns(url, service)
    assert {"outbox", "inbox", "jobs"} <= {table for table, _ in before}
    script = ScriptDirectory.from_config(configuration(package, url))
    head = script.get_revision(script.get_current_head() or "")
    downgrade(package, url, str(head.down_revision or "base"))
    assert await _columns(url, service) < before
    downgrade(package, url, "base")
    left = await _columns(url, service)
    assert {table for table, _ in left} == {"alembic_version"}
    upgrade(package, url)
    check(package, url)
    assert await _columns(url, service) == before
