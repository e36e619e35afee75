"""Use cases of tokens, and core's own answer to who a token stands for."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bhtom_core.people import store
from bhtom_core.people.domain import (
    SESSION_LIFE,
    SESSION_SCOPE,
    SIGN_IN_SCOPES,
    TOKEN_LIFE,
    Secret,
)
from bhtom_core.people.snapshots import token_snapshot
from bhtom_core.rows import Record
from bhtom_runtime.auth import Principal
from bhtom_runtime.database import Database
from bhtom_runtime.errors import NotFound
from bhtom_runtime.unit_of_work import UnitOfWork


class OwnTokens:
    """Finds callers in core's own tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, token_hash: str) -> Principal | None:
        """The caller of a token that is valid now."""
        async with self._database.read() as connection:
            row = await store.valid_token(connection, token_hash)
        return None if row is None else Principal.of(row)


async def issue(
    unit: UnitOfWork, user_id: int, name: str, scopes: Sequence[str], life: timedelta
) -> tuple[Record, str]:
    """Make a token; its text is given here and never again."""
    secret = Secret.fresh()
    token = await store.insert_token(
        unit.connection,
        {
            "user_id": user_id,
            "token_hash": secret.token_hash,
            "last_digits": secret.last_digits,
            "name": name,
            "scopes": list(scopes),
            "expires_at": datetime.now(UTC) + life,
        },
    )
    unit.emit(token_snapshot(token))
    return token, secret.text


async def issue_for_script(unit: UnitOfWork, user: Record) -> str:
    """The token that a sign-in by script gets; older ones stay valid."""
    scopes = (*SIGN_IN_SCOPES, "admin") if user.is_admin else SIGN_IN_SCOPES
    _, text = await issue(unit, user.user_id, "token-auth", scopes, TOKEN_LIFE)
    return text


async def issue_session(unit: UnitOfWork, user: Record) -> str:
    """The token of a browser session."""
    _, text = await issue(unit, user.user_id, "browser", (SESSION_SCOPE,), SESSION_LIFE)
    return text


async def revoke(unit: UnitOfWork, user_id: int, token_id: int) -> None:
    """End a token of this user; ending it twice is no error."""
    if not await store.has_token(unit.connection, user_id, token_id):
        raise NotFound(f"You have no token {token_id}.")
    revoked = await store.revoke_tokens(unit.connection, user_id, token_id=token_id)
    for token in revoked:
        unit.emit(token_snapshot(token))
