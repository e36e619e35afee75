"""A service's role sees its own schema and nothing else."""

from collections.abc import Callable

import asyncpg
import pytest
from sqlalchemy.engine import make_url

SERVICES = ("core", "upload", "cpcs", "harvester")


@pytest.fixture(scope="module")
def migrated(service_database: Callable[[str], str]) -> Callable[[str], str]:
    """A database with every service's tables."""
    from bhtom_runtime.migrations.commands import upgrade

    for service in SERVICES:
        upgrade(f"bhtom_{service}", service_database(service))
    return service_database


@pytest.mark.parametrize("service", SERVICES)
async def test_a_role_reads_its_own_schema_only(
    migrated: Callable[[str], str], service: str
) -> None:
    connection = await asyncpg.connect(migrated(service))
    try:
        assert await connection.fetchval(f"SELECT count(*) FROM {service}.outbox") == 0
        for other in SERVICES:
            if other == service:
                continue
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT * FROM {other}.outbox")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TABLE public.mine (id int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE SCHEMA mine")
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("ALTER ROLE CURRENT_USER SUPERUSER")
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_wrong_password_is_refused(
    migrated: Callable[[str], str], service: str
) -> None:
    url = make_url(migrated(service)).set(password="wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url.render_as_string(hide_password=False))
