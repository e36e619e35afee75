"""Gives every service its own role and schema in the database, again and again."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from bhtom_local.failure import StackFailure

# Services that own tables; `web` owns none.
SERVICES = ("core", "upload", "cpcs", "harvester")

# Several sessions may provision at once, and roles belong to the whole cluster.
PROVISION_LOCK = 4_242_001
CONNECTIONS_PER_ROLE = 40

_Result = TypeVar("_Result")


class WrongPassword(StackFailure):
    """The database does not accept the administrator's password."""


def role_of(service: str) -> str:
    """The database role of a service."""
    return f"bhtom_{service}"


def service_url(admin_url: str, service: str, password: str) -> str:
    """The address under which a service reaches its part of the database."""
    parts = urlsplit(admin_url)
    place = parts.netloc.rpartition("@")[2]
    netloc = f"{role_of(service)}:{quote(password, safe='')}@{place}"
    return urlunsplit(parts._replace(netloc=netloc))


def with_database(url: str, database: str) -> str:
    """The same address with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def database_of(url: str) -> str:
    """The database that an address names."""
    return urlsplit(url).path.lstrip("/") or "bhtom"


def provision(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Make the database, the roles and the schemas, or set them right again."""
    _wait_for(_provision(admin_url, passwords))


def drop_database(admin_url: str) -> None:
    """Remove the database that the address names, whoever is connected."""
    _wait_for(_drop(admin_url))


def check(admin_url: str) -> None:
    """Ask the server one question; raises StackFailure with the reason."""
    _wait_for(_ask(admin_url))


async def _provision(admin_url: str, passwords: Mapping[str, str]) -> None:
    database = database_of(admin_url)
    async with _connection(with_database(admin_url, "postgres")) as admin:
        await admin.execute("SELECT pg_advisory_lock($1)", PROVISION_LOCK)
        for service, password in passwords.items():
            await _set_role(admin, role_of(service), password)
        await _create_database(admin, database)
        for service in passwords:
            await _set_role_defaults(admin, database, service)
    async with _connection(admin_url) as inside, inside.transaction():
        await _run(inside, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for service in passwords:
            await _run(
                inside,
                "CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I",
                service,
                role_of(service),
            )
            await _run(inside, "REVOKE ALL ON SCHEMA %I FROM PUBLIC", service)


async def _set_role(admin: asyncpg.Connection, role: str, password: str) -> None:
    known = await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    if not known:
        await _run(admin, "CREATE ROLE %I", role)
    # An administrator who is no superuser gives schemas away only to roles that he
    # may become himself.
    if not await admin.fetchval("SELECT pg_has_role($1, 'SET')", role):
        await _run(admin, "GRANT %I TO CURRENT_USER", role)
    await _run(
        admin,
        "ALTER ROLE %I LOGIN NOINHERIT PASSWORD %L "
        f"CONNECTION LIMIT {CONNECTIONS_PER_ROLE}",
        role,
        password,
    )


async def _create_database(admin: asyncpg.Connection, database: str) -> None:
    known = await admin.fetchval(
        "SELECT 1 FROM pg_database WHERE datname = $1", database
    )
    if not known:
        await _run(admin, "CREATE DATABASE %I", database)
    # PUBLIC may connect and make temporary tables by default.
    await _run(admin, "REVOKE ALL ON DATABASE %I FROM PUBLIC", database)


async def _set_role_defaults(
    admin: asyncpg.Connection, database: str, service: str
) -> None:
    role = role_of(service)
    await _run(admin, "GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I", database, role)
    settings = {
        "search_path": service,
        # A frozen relay or worker must not hold its locks for ever.
        "idle_in_transaction_session_timeout": "60s",
        "lock_timeout": "30s",
        "timezone": "UTC",
    }
    for name, value in settings.items():
        await _run(
            admin,
            f"ALTER ROLE %I IN DATABASE %I SET {name} = %L",
            role,
            database,
            value,
        )


async def _drop(admin_url: str) -> None:
    async with _connection(with_database(admin_url, "postgres")) as admin:
        await _run(
            admin, "DROP DATABASE IF EXISTS %I WITH (FORCE)", database_of(admin_url)
        )


async def _ask(admin_url: str) -> None:
    async with _connection(with_database(admin_url, "postgres")) as admin:
        await admin.fetchval("SELECT 1")


async def _run(connection: asyncpg.Connection, statement: str, *names: str) -> None:
    """Run a statement that takes no parameters, with names quoted by the server."""
    slots = ", ".join(f"${number}::text" for number in range(2, len(names) + 2))
    quoted = await connection.fetchval(
        f"SELECT format($1::text, {slots})" if names else "SELECT $1::text",
        statement,
        *names,
    )
    await connection.execute(quoted)


_WENT_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    ConnectionError,
    TimeoutError,
)


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except asyncpg.InvalidPasswordError as failure:
        raise WrongPassword(
            "The database refuses the administrator's password. It was made with "
            "another one: put the old .env back, or start anew with `make fresh`."
        ) from failure
    except (OSError, TimeoutError, asyncpg.PostgresError) as failure:
        where = urlsplit(url).netloc.rpartition("@")[2]
        raise StackFailure(
            f"The database at {where} does not answer: {failure}"
        ) from failure
    try:
        yield connection
    except _WENT_AWAY as failure:
        raise StackFailure(
            f"The database went away while it was asked: {failure}"
        ) from failure
    finally:
        if not connection.is_closed():
            with contextlib.suppress(*_WENT_AWAY):
                await connection.close(timeout=10)


def _wait_for(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine to its end, also where an event loop runs already."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()


def main() -> None:
    """Provision the database of DATABASE_URL: `python -m bhtom_local.provision`."""
    names = {service: f"BHTOM_{service.upper()}_PASSWORD" for service in SERVICES}
    for name in ("DATABASE_URL", *names.values()):
        if not os.environ.get(name):
            sys.exit(f"{name} is missing.")
    try:
        provision(
            os.environ["DATABASE_URL"],
            {service: os.environ[name] for service, name in names.items()},
        )
    except StackFailure as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main()
