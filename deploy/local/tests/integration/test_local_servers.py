"""The servers that all integration tests use."""

import asyncpg
import pytest

from bhtom_local import kafka, provision
from bhtom_local.failure import StackFailure


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
    assert kafka.is_ready(int(kafka_bootstrap.rpartition(":")[2]))


async def test_an_administrator_need_not_be_a_superuser(postgres, unique_name):
    """As with the databases that are rented."""
    boss = unique_name.replace("-", "_")
    root = await asyncpg.connect(
        provision.with_database(postgres.admin_url, "postgres")
    )
    try:
        await root.execute(
            f"CREATE ROLE {boss} LOGIN CREATEDB CREATEROLE PASSWORD 'pw'"
        )
        services = {f"{boss}_{name}": "secret" for name in ("left", "right")}
        place = postgres.admin_url.rpartition("@")[2].partition("/")[0]
        url = f"postgresql://{boss}:pw@{place}/{boss}"
        provision.provision(url, services)
        provision.provision(url, services)
        left, right = [
            await asyncpg.connect(provision.service_url(url, name, "secret"))
            for name in services
        ]
        try:
            await left.execute("CREATE TABLE mine (id int)")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await right.fetch(f"SELECT * FROM {boss}_left.mine")
        finally:
            await left.close()
            await right.close()
        provision.drop_database(url)
    finally:
        await root.close()


async def test_a_changed_password_is_set_at_the_next_start(
    postgres, module_database, unique_name
):
    provision.provision(module_database, {unique_name: "old"})
    provision.provision(module_database, {unique_name: "new"})
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            provision.service_url(module_database, unique_name, "old")
        )
    url = provision.service_url(module_database, unique_name, "new")
    await (await asyncpg.connect(url)).close()


def test_a_database_that_does_not_answer_is_named():
    with pytest.raises(StackFailure, match=r"127\.0\.0\.1:9 does not answer"):
        provision.check("postgresql://boss:pw@127.0.0.1:9/bhtom")
