"""Migrate a service's schema, and tell whether it is new enough for this code."""

import os
import threading
from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Column, MetaData, Table, Text, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from bhtom_runtime.database import Database


def configuration(package: str, url: str) -> Config:
    """Alembic's configuration of a service package such as `bhtom_core`."""
    config = Config()
    folder = os.fspath(files(package) / "migrations")  # type: ignore[call-overload]
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    driver = make_url(url).set(drivername="postgresql+asyncpg")
    config.attributes["url"] = driver.render_as_string(hide_password=False)
    return config


def _in_own_thread(work: Callable[[], None]) -> None:
    """Alembic's environment starts an event loop, so callers may have one already."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed on to the caller
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def upgrade(package: str, url: str, revision: str = "head") -> None:
    """Bring the schema up to a revision."""
    config = configuration(package, url)
    _in_own_thread(lambda: command.upgrade(config, revision))


def downgrade(package: str, url: str, revision: str) -> None:
    """Take the schema back to a revision."""
    config = configuration(package, url)
    _in_own_thread(lambda: command.downgrade(config, revision))


def check(package: str, url: str) -> None:
    """Raise when the tables in code differ from what the migrations make."""
    config = configuration(package, url)
    _in_own_thread(lambda: command.check(config))


async def missing_migration(database: "Database", package: str) -> str | None:
    """A sentence when the schema is older than this code; newer ones are fine."""
    scripts = ScriptDirectory.from_config(configuration(package, str(database.url)))
    head = scripts.get_current_head()
    versions = Table(
        "alembic_version",
        MetaData(schema=database.schema),
        Column("version_num", Text, primary_key=True),
    )
    try:
        async with database.read() as connection:
            current = await connection.scalar(select(versions.c.version_num))
    except (SQLAlchemyError, OSError):
        return "The schema's version cannot be read: is it migrated?"
    if current == head:
        return None
    try:
        known = current is not None and scripts.get_revision(current) is not None
    except CommandError:
        known = False
    if current is None or known:
        return f"The schema is at {current}, this program needs {head}: run 'migrate'."
    return None
