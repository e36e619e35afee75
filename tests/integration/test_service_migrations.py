"""Every service's migrations: up from nothing, complete, and back to nothing."""

from collections.abc import Callable

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from bhtom_runtime.migrations.commands import check, configuration, downgrade, upgrade

SERVICES = ("core", "upload", "cpcs", "harvester")


async def _parts(url: str, schema: str) -> set[tuple[str, str]]:
    """Every table's columns, indexes and constraints."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT table_name::text AS of, column_name::text AS name "
            "FROM information_schema.columns WHERE table_schema = $1 "
            "UNION ALL SELECT tablename, indexname FROM pg_indexes "
            "WHERE schemaname = $1 "
            "UNION ALL SELECT conrelid::regclass::text, pg_get_constraintdef(oid) "
            "FROM pg_constraint WHERE connamespace = $1::text::regnamespace "
            "AND conrelid <> 0",
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
    before = await _parts(url, service)
    assert {"outbox", "inbox", "jobs"} <= {table for table, _ in before}
    script = ScriptDirectory.from_config(configuration(package, url))
    head = script.get_revision(script.get_current_head() or "")
    downgrade(package, url, str(head.down_revision or "base"))
    assert await _parts(url, service) != before
    downgrade(package, url, "base")
    left = {
        table.removeprefix(f"{service}.") for table, _ in await _parts(url, service)
    }
    assert left == {"alembic_version"}
    upgrade(package, url)
    check(package, url)
    assert await _parts(url, service) == before
