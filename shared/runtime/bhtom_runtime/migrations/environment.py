"""What every service's `migrations/env.py` runs."""

import asyncio
from collections.abc import Mapping
from typing import Any

from alembic import context
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

# Two processes that start at once must not migrate at once.
_LOCK = 0x6268746F6D


def run_environment(metadata: MetaData) -> None:
    """Migrate the schema of `metadata` with the connection that the command gives."""
    url = context.config.attributes["url"]
    asyncio.run(_migrate(url, metadata))


async def _migrate(url: str, metadata: MetaData) -> None:
    # Alembic calls the first schema of the search path None and would not know it.
    server_settings = {"search_path": "pg_catalog"}
    engine = create_async_engine(
        url, poolclass=NullPool, connect_args={"server_settings": server_settings}
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run, metadata)
            await connection.commit()
    finally:
        await engine.dispose()


def _run(connection: Connection, metadata: MetaData) -> None:
    schema = metadata.schema

    def include_name(
        name: str | None, kind: str, _parents: Mapping[Any, str | None]
    ) -> bool:
        # Without it, autogenerate proposes to drop the other services' tables.
        return name == schema if kind == "schema" else True

    connection.execute(
        text("SELECT pg_advisory_xact_lock(:lock, hashtext(:schema))"),
        {"lock": _LOCK & 0x7FFFFFFF, "schema": schema},
    )
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_schemas=True,
        include_name=include_name,
        version_table="alembic_version",
        version_table_schema=schema,
        compare_type=True,
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()
