"""The first administrator: made at the first start, or by a command."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog

from bhtom_core.people import store, users
from bhtom_core.people.domain import NewPerson
from bhtom_core.people.passwords import Passwords
from bhtom_core.settings import CoreSettings
from bhtom_runtime.database import Database

_logger = structlog.get_logger(__name__)


def first_administrator(
    database: Database, passwords: Passwords, settings: CoreSettings
) -> Callable[[], AbstractAsyncContextManager[None]]:
    """A lifespan that makes the administrator of the settings when there is none."""

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        await _ensure(database, passwords, settings)
        yield

    return lifespan


async def _ensure(
    database: Database, passwords: Passwords, settings: CoreSettings
) -> None:
    if settings.admin_username is None or settings.admin_password is None:
        return
    async with database.read() as connection:
        if await store.count_administrators(connection):
            return
    person = users.checked(
        NewPerson(
            username=settings.admin_username,
            password=settings.admin_password.get_secret_value(),
            is_admin=True,
        )
    )
    password_hash = await passwords.hash(person.password)
    async with database.unit_of_work() as unit:
        if await users.create_first_administrator(unit, person, password_hash):
            _logger.info("first administrator made", username=person.username)


async def create_administrator(
    database: Database, passwords: Passwords, username: str, password: str
) -> int:
    """Make an administrator, whoever else is one; gives the user's id."""
    person = users.checked(NewPerson(username, password, is_admin=True))
    password_hash = await passwords.hash(person.password)
    async with database.unit_of_work() as unit:
        user = await users.create_user(unit, person, password_hash)
    return int(user.user_id)
