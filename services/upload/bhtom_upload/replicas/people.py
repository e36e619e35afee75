"""Observers: whether a username exists."""

from collections.abc import Sequence

from sqlalchemy import select

from bhtom_contracts.events.identities import IdentityChanged
from bhtom_runtime.database import Database
from bhtom_runtime.errors import Invalid
from bhtom_runtime.identity_replicas import keep_identity
from bhtom_runtime.replicas import OwnerClient


class People:
    """Checks the observers of an upload; only core says no."""

    def __init__(self, database: Database, owner: OwnerClient, core_url: str) -> None:
        self._database = database
        self._owner = owner
        self._core_url = core_url

    async def must_exist(self, usernames: Sequence[str]) -> None:
        """Refuse names that nobody has; upper and lower case differ."""
        known = await self._known(usernames) if usernames else set()
        for username in usernames:
            if username not in known and not await self._fetch(username):
                raise Invalid(
                    f"Observer '{username}' does not exist.", code="unknown_observer"
                )

    async def _known(self, usernames: Sequence[str]) -> set[str]:
        identities = self._database.infrastructure.identities
        statement = select(identities.c.username).where(
            identities.c.username.in_(usernames), identities.c.deleted_at.is_(None)
        )
        async with self._database.read() as connection:
            return set((await connection.execute(statement)).scalars())

    async def _fetch(self, username: str) -> bool:
        answer = await self._owner.get_json(
            self._core_url,
            "/internal/identities/by-username",
            {"username": username},
        )
        if answer is None:
            return False
        identity = IdentityChanged.model_validate(answer["snapshot"])
        async with self._database.unit_of_work() as unit:
            tables = self._database.infrastructure
            await keep_identity(unit, tables, answer["epoch"], identity)
        return identity.deleted_at is None and identity.username == username
