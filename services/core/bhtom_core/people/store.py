"""Queries on people and tokens."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_core.people.tables import sign_in_attempts, tokens, users
from bhtom_core.rows import Record

# Serialises the making of the first administrator and the demotion of the last.
_ADMINISTRATORS_LOCK = 0x61646D696E


async def user_by_id(connection: AsyncConnection, user_id: int) -> Record | None:
    """A user, deactivated ones too."""
    statement = select(users).where(users.c.user_id == user_id)
    return (await connection.execute(statement)).one_or_none()


async def user_by_username(connection: AsyncConnection, username: str) -> Record | None:
    """A user by name, whatever the case of its letters."""
    statement = select(users).where(
        func.lower(users.c.username) == func.lower(username)
    )
    return (await connection.execute(statement)).one_or_none()


async def list_users(
    connection: AsyncConnection, *, after: int, limit: int
) -> Sequence[Record]:
    """Users by id."""
    statement = (
        select(users).where(users.c.user_id > after).order_by(users.c.user_id)
    ).limit(limit)
    return (await connection.execute(statement)).all()


async def insert_user(connection: AsyncConnection, values: Mapping[str, Any]) -> Record:
    """A new user's row."""
    statement = insert(users).values(**values).returning(*users.c)
    return (await connection.execute(statement)).one()


async def update_user(
    connection: AsyncConnection, user_id: int, values: Mapping[str, Any]
) -> Record:
    """Change a user; the version grows with it."""
    statement = (
        update(users)
        .where(users.c.user_id == user_id)
        .values(**values, version=users.c.version + 1, modified_at=func.now())
        .returning(*users.c)
    )
    return (await connection.execute(statement)).one()


async def lock_administrators(connection: AsyncConnection) -> None:
    """Let one transaction at a time change who is an administrator."""
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADMINISTRATORS_LOCK}
    )


async def count_administrators(connection: AsyncConnection) -> int:
    """How many administrators can sign in."""
    statement = select(func.count()).where(users.c.is_admin, users.c.is_active)
    return int(await connection.scalar(statement) or 0)


async def list_tokens(connection: AsyncConnection, user_id: int) -> Sequence[Record]:
    """A user's tokens that are not sessions, newest first, at most 200."""
    statement = (
        select(tokens)
        .where(tokens.c.user_id == user_id, ~tokens.c.scopes.contains(["session"]))
        .order_by(tokens.c.token_id.desc())
        .limit(200)
    )
    return (await connection.execute(statement)).all()


async def insert_token(
    connection: AsyncConnection, values: Mapping[str, Any]
) -> Record:
    """A new token's row."""
    statement = insert(tokens).values(**values).returning(*tokens.c)
    return (await connection.execute(statement)).one()


async def token_by_hash(connection: AsyncConnection, token_hash: str) -> Record | None:
    """A token, valid or not."""
    statement = select(tokens).where(tokens.c.token_hash == token_hash)
    return (await connection.execute(statement)).one_or_none()


async def valid_token(connection: AsyncConnection, token_hash: str) -> Record | None:
    """A token that may be used now, with its user."""
    statement = (
        select(
            tokens.c.token_id,
            tokens.c.user_id,
            tokens.c.scopes,
            users.c.username,
            users.c.is_admin,
        )
        .join(users, users.c.user_id == tokens.c.user_id)
        .where(
            tokens.c.token_hash == token_hash,
            tokens.c.revoked_at.is_(None),
            tokens.c.expires_at > func.now(),
            users.c.is_active,
            users.c.deleted_at.is_(None),
        )
    )
    return (await connection.execute(statement)).one_or_none()


async def revoke_tokens(
    connection: AsyncConnection,
    user_id: int,
    *,
    token_id: int | None = None,
    sessions_only: bool = False,
) -> Sequence[Record]:
    """End one token, or the sessions, of a user; those that were still valid."""
    statement = update(tokens).where(
        tokens.c.user_id == user_id, tokens.c.revoked_at.is_(None)
    )
    if token_id is not None:
        statement = statement.where(tokens.c.token_id == token_id)
    if sessions_only:
        statement = statement.where(tokens.c.scopes.contains(["session"]))
    changed = statement.values(
        revoked_at=func.now(), version=tokens.c.version + 1
    ).returning(*tokens.c)
    return (await connection.execute(changed)).all()


async def has_token(connection: AsyncConnection, user_id: int, token_id: int) -> bool:
    """Whether a token is this user's."""
    statement = select(tokens.c.token_id).where(
        tokens.c.user_id == user_id, tokens.c.token_id == token_id
    )
    return await connection.scalar(statement) is not None


async def add_attempt(connection: AsyncConnection, key: str, since: datetime) -> int:
    """Count a sign-in attempt, and say how many there were since a time before it."""
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key}
    )
    earlier = await connection.scalar(
        select(func.count()).where(
            sign_in_attempts.c.attempt_key == key,
            sign_in_attempts.c.attempted_at > since,
        )
    )
    await connection.execute(insert(sign_in_attempts).values(attempt_key=key))
    return int(earlier or 0)


async def forget_attempts(
    connection: AsyncConnection,
    *,
    key: str | None = None,
    before: datetime | None = None,
) -> None:
    """Drop the attempts of a key that has signed in, or old ones."""
    statement = delete(sign_in_attempts)
    if key is not None:
        statement = statement.where(sign_in_attempts.c.attempt_key == key)
    if before is not None:
        statement = statement.where(sign_in_attempts.c.attempted_at < before)
    await connection.execute(statement)


async def replace_hash(
    connection: AsyncConnection, user_id: int, old: str, new: str
) -> None:
    """Keep a stronger hash of the same password."""
    await connection.execute(
        update(users)
        .where(users.c.user_id == user_id, users.c.password_hash == old)
        .values(password_hash=new)
    )
