"""Snapshots in any order and any number leave the newest."""

import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select

from bhtom_runtime.database import Database
from bhtom_runtime.replicas import apply_snapshot
from bhtom_runtime.tables import infrastructure, service_metadata

METADATA = service_metadata("upload")
INFRASTRUCTURE = infrastructure(METADATA)
IDENTITIES = INFRASTRUCTURE.identities


@pytest.fixture(scope="module")
async def database(
    service_database: Callable[[str], str],
) -> AsyncIterator[Database]:
    """A schema with the runtime's tables."""
    database = Database(service_database("upload"), INFRASTRUCTURE)
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    yield database
    await database.close()


def _snapshot(user_id: int, epoch: int, version: int, **changes: Any) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "epoch": epoch,
        "aggregate_version": version,
        "username": f"name {epoch}.{version}",
        "is_active": True,
        "is_admin": False,
        **changes,
    }


async def _apply(database: Database, snapshot: dict[str, Any]) -> bool:
    async with database.unit_of_work() as uow:
        return await apply_snapshot(uow, IDENTITIES, snapshot, keys=("user_id",))


async def _name(database: Database, user_id: int) -> str:
    statement = select(IDENTITIES.c.username).where(IDENTITIES.c.user_id == user_id)
    async with database.read() as connection:
        return str(await connection.scalar(statement))


async def test_any_order_leaves_the_newest(database: Database) -> None:
    versions = [(1, 1), (1, 9), (2, 1), (2, 2)]
    for user_id, order in enumerate(permutations(versions)):
        repeated = [*order, *random.sample(order, 2)]
        for epoch, version in repeated:
            await _apply(database, _snapshot(user_id, epoch, version))
        assert await _name(database, user_id) == "name 2.2"


async def test_it_says_whether_it_was_newer(database: Database) -> None:
    assert await _apply(database, _snapshot(100, 1, 5))
    assert not await _apply(database, _snapshot(100, 1, 5))
    assert not await _apply(database, _snapshot(100, 1, 4))
    assert await _apply(database, _snapshot(100, 2, 1))


async def test_the_deleted_do_not_come_back(database: Database) -> None:
    deleted_at = datetime(2026, 3, 1, tzinfo=UTC)
    await _apply(database, _snapshot(101, 1, 2, deleted_at=deleted_at))
    await _apply(database, _snapshot(101, 1, 1))

    statement = select(IDENTITIES.c.deleted_at).where(IDENTITIES.c.user_id == 101)
    async with database.read() as connection:
        assert await connection.scalar(statement) == deleted_at
