"""One engine a process, and the unit of work: the only place that commits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bhtom_runtime.tables import Infrastructure
from bhtom_runtime.unit_of_work import UnitOfWork


class Database:
    """A service's own schema: short reads, and units of work that commit."""

    def __init__(
        self,
        url: str,
        infrastructure: Infrastructure,
        *,
        pool_size: int = 5,
        application_name: str | None = None,
    ) -> None:
        self.infrastructure = infrastructure
        self.schema = infrastructure.schema
        self.url = make_url(url).set(drivername="postgresql+asyncpg")
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            connect_args={
                "timeout": 5,
                "server_settings": {
                    "application_name": application_name or f"bhtom_{self.schema}",
                    "search_path": self.schema,
                    "timezone": "UTC",
                },
            },
        )
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @property
    def dsn(self) -> str:
        """The address for a plain asyncpg connection (LISTEN, locks, COPY)."""
        return self.url.set(drivername="postgresql").render_as_string(
            hide_password=False
        )

    @property
    def channel(self) -> str:
        """The NOTIFY channel on which this schema says that something changed."""
        return f"bhtom_{self.schema}"

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for single statements, each seeing its own snapshot."""
        async with self._autocommit.connect() as connection:
            yield connection

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[UnitOfWork]:
        """One transaction: rows, events and jobs are written together or not at all."""
        async with self.engine.connect() as connection, connection.begin():
            unit = UnitOfWork(connection, self.infrastructure)
            yield unit
            await unit.flush()

    async def is_ready(self, timeout_s: float = 2.0) -> bool:
        """Whether the database answers."""
        try:
            async with asyncio.timeout(timeout_s), self.read() as connection:
                await connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
