"""Pytest fixtures: a real PostgreSQL and a real Kafka for integration tests.

One of each serves a whole test session; every test module gets a database of its own.
To iterate fast, keep a pair running with `bhtom-local test-servers` and set the two
variables that it prints.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from bhtom_local import provision
from bhtom_local.stack import Stack
from bhtom_local.testing_servers import (
    KAFKA_VARIABLE,
    POSTGRES_VARIABLE,
    temporary_folder,
)

# Loopback-only databases that live for one session: nothing here is a secret.
TEST_PASSWORDS = {service: f"test-{service}" for service in provision.SERVICES}


@dataclass
class PostgresServer:
    """A running PostgreSQL whose databases come and go with the tests."""

    admin_url: str
    _databases: list[str] = field(default_factory=list)

    def create_database(self) -> str:
        """A fresh database with every service's role and schema; its admin address."""
        name = f"bhtom_test_{uuid.uuid4().hex[:12]}"
        url = provision.with_database(self.admin_url, name)
        provision.provision(url, TEST_PASSWORDS)
        self._databases.append(url)
        return url

    def drop_database(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        provision.drop_database(url)
        self._databases.remove(url)

    def service_url(self, admin_url: str, service: str) -> str:
        """The address that a service would be given for this database."""
        return provision.service_url(admin_url, service, TEST_PASSWORDS[service])


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The session's PostgreSQL."""
    given = os.environ.get(POSTGRES_VARIABLE)
    if given:
        yield PostgresServer(given)
        return
    with temporary_stack(parts={"postgres"}) as stack:
        yield PostgresServer(stack.plan.admin_url)


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """Address of the session's Kafka, without topics."""
    given = os.environ.get(KAFKA_VARIABLE)
    if given:
        yield given
        return
    with temporary_stack(parts={"kafka"}) as stack:
        yield stack.plan.kafka_bootstrap


@pytest.fixture(scope="module")
def module_database(postgres: PostgresServer) -> Iterator[str]:
    """Admin address of a fresh database for this test module."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="module")
def service_database(
    postgres: PostgresServer, module_database: str
) -> Callable[[str], str]:
    """Gives a service's own address of this module's database, by its name."""

    def address(service: str) -> str:
        return postgres.service_url(module_database, service)

    return address


@pytest.fixture
def fresh_database(postgres: PostgresServer) -> Iterator[Callable[[str], str]]:
    """Like `service_database`, for a single test that needs an untouched database."""
    url = postgres.create_database()
    yield lambda service: postgres.service_url(url, service)
    postgres.drop_database(url)


@pytest.fixture
def unique_name() -> str:
    """A name nobody used before: for topics and consumer groups of one test."""
    return f"test-{uuid.uuid4().hex[:12]}"


@contextmanager
def temporary_stack(**options: Any) -> Iterator[Stack]:
    """A started stack in a folder of its own, gone afterwards."""
    stack = Stack.in_folder(temporary_folder(), **options)
    try:
        stack.start()
        yield stack
    finally:
        stack.wipe()
