"""A service's copy of core's people and token hashes, and who asks core on a miss."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from bhtom_contracts.events.identities import IdentityChanged, TokenChanged
from bhtom_runtime.auth import Principal
from bhtom_runtime.database import Database
from bhtom_runtime.replicas import OwnerClient, apply_snapshot
from bhtom_runtime.service import Received, Subscription
from bhtom_runtime.settings import ServiceSettings
from bhtom_runtime.tables import Infrastructure
from bhtom_runtime.unit_of_work import UnitOfWork


class ReplicatedTokens:
    """Tokens as this service knows them; only core says no."""

    def __init__(self, database: Database, settings: ServiceSettings) -> None:
        self._database = database
        self._tables = database.infrastructure
        self._core_url = settings.core_url
        self._owner = OwnerClient(settings)

    async def find(self, token_hash: str) -> Principal | None:
        """The caller, from the replica or, when it would refuse, from core."""
        principal = await self._look_up(token_hash)
        if principal is not None:
            return principal
        if not await self._fetch(token_hash):
            return None
        return await self._look_up(token_hash)

    async def _look_up(self, token_hash: str) -> Principal | None:
        tokens, identities = self._tables.tokens, self._tables.identities
        statement = (
            select(
                tokens.c.token_id,
                tokens.c.user_id,
                tokens.c.scopes,
                identities.c.username,
                identities.c.is_admin,
            )
            .join(identities, identities.c.user_id == tokens.c.user_id)
            .where(
                tokens.c.token_hash == token_hash,
                tokens.c.revoked_at.is_(None),
                tokens.c.deleted_at.is_(None),
                tokens.c.expires_at > datetime.now(UTC),
                identities.c.is_active,
                identities.c.deleted_at.is_(None),
            )
        )
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else Principal.of(row)

    async def _fetch(self, token_hash: str) -> bool:
        """Ask core and keep its answer, so that the next call is local."""
        answer = await self._owner.get_json(
            self._core_url, f"/internal/tokens/{token_hash}"
        )
        if answer is None:
            return False
        token = TokenChanged.model_validate(answer["snapshot"])
        person = await self._owner.get_json(
            self._core_url, f"/internal/identities/{token.user_id}"
        )
        if person is None:
            return False
        identity = IdentityChanged.model_validate(person["snapshot"])
        async with self._database.unit_of_work() as unit:
            await keep_token(unit, self._tables, answer["epoch"], token)
            await keep_identity(unit, self._tables, person["epoch"], identity)
        return True


async def keep_token(
    unit: UnitOfWork, tables: Infrastructure, epoch: int, token: TokenChanged
) -> None:
    """Take a token's snapshot if it is newer than what is here."""
    values: dict[str, Any] = token.model_dump(exclude={"schema_version"})
    values["scopes"] = list(token.scopes)
    await apply_snapshot(
        unit, tables.tokens, {**values, "epoch": epoch}, keys=("token_id",)
    )


async def keep_identity(
    unit: UnitOfWork, tables: Infrastructure, epoch: int, identity: IdentityChanged
) -> None:
    """Take a person's snapshot if it is newer than what is here."""
    values = {**identity.model_dump(), "epoch": epoch}
    await apply_snapshot(unit, tables.identities, values, keys=("user_id",))


def identity_subscriptions(tables: Infrastructure) -> tuple[Subscription, ...]:
    """What every service but core listens to, to know its callers."""

    async def on_token(unit: UnitOfWork, event: Received) -> None:
        assert isinstance(event.payload, TokenChanged)  # noqa: S101 - narrows
        await keep_token(unit, tables, event.envelope.epoch, event.payload)

    async def on_identity(unit: UnitOfWork, event: Received) -> None:
        assert isinstance(event.payload, IdentityChanged)  # noqa: S101 - narrows
        await keep_identity(unit, tables, event.envelope.epoch, event.payload)

    return (
        Subscription(TokenChanged, on_token),
        Subscription(IdentityChanged, on_identity),
    )
