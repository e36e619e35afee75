"""The servers that all integration tests use."""

import asyncpg
import pytest


async def test_a_service_writes_to_its_own_schema(service_database):
    connection = await asyncpg.connect(service_database("core"))
    try:
        await connection.execute("CREATE TABLE things (id int)")
        schema = await connection.fetchval(
            "SELECT schemaname FROM pg_tables WHERE tablename = 'things'"
        )
    finally:
        await connection.close()
    assert schema == "core"


async def test_a_service_cannot_read_anothers_schema(service_database):
    owner = await asyncpg.connect(service_database("upload"))
    other = await asyncpg.connect(service_database("cpcs"))
    try:
        await owner.execute("CREATE TABLE secret_frames (id int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await other.fetch("SELECT * FROM upload.secret_frames")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await other.execute("CREATE TABLE upload.mine (id int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await other.execute("CREATE TABLE public.mine (id int)")
    finally:
        await owner.close()
        await other.close()


async def test_a_wrong_password_is_refused(service_database):
    url = service_database("core").replace("test-core", "guess")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url)


async def test_the_administrator_needs_the_password(module_database):
    url = module_database.replace("postgres:", "postgres:x", 1)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url)


def test_the_broker_names_itself(kafka_bootstrap):
    from bhtom_local import kafka

    assert kafka.is_ready(int(kafka_bootstrap.rpartition(":")[2]))
