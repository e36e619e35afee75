"""Use cases of users: make them, change them, and never lose the last administrator."""

from typing import Any

from bhtom_core.people import store
from bhtom_core.people.domain import (
    NewPerson,
    checked_email,
    checked_full_name,
    checked_password,
    checked_username,
)
from bhtom_core.people.snapshots import identity_snapshot, token_snapshot
from bhtom_core.rows import Record
from bhtom_runtime.errors import Conflict, NotFound
from bhtom_runtime.unit_of_work import UnitOfWork


def checked(person: NewPerson) -> NewPerson:
    """The person in the form that is stored; raises Invalid."""
    username = checked_username(person.username)
    return NewPerson(
        username=username,
        password=checked_password(person.password, username),
        full_name=checked_full_name(person.full_name),
        email=checked_email(person.email),
        is_admin=person.is_admin,
    )


async def create_user(
    unit: UnitOfWork, person: NewPerson, password_hash: str
) -> Record:
    """Make a user whose fields were checked and whose password was hashed."""
    # Waits for another transaction that makes the same name at the same time.
    await store.lock_administrators(unit.connection)
    if await store.user_by_username(unit.connection, person.username) is not None:
        raise Conflict(
            f"There is already a user '{person.username}'; choose another name.",
            code="user_exists",
        )
    user = await store.insert_user(
        unit.connection,
        {
            "username": person.username,
            "full_name": person.full_name,
            "email": person.email,
            "password_hash": password_hash,
            "is_admin": person.is_admin,
        },
    )
    unit.emit(identity_snapshot(user))
    return user


async def create_first_administrator(
    unit: UnitOfWork, person: NewPerson, password_hash: str
) -> bool:
    """Make an administrator unless there is one, or the name is taken."""
    await store.lock_administrators(unit.connection)
    if await store.count_administrators(unit.connection):
        return False
    if await store.user_by_username(unit.connection, person.username) is not None:
        return False
    await create_user(unit, person, password_hash)
    return True


async def change_user(
    unit: UnitOfWork, user_id: int, changes: dict[str, Any]
) -> Record:
    """Change a user's fields; a new password or deactivation ends his sessions."""
    await store.lock_administrators(unit.connection)
    if await store.user_by_id(unit.connection, user_id) is None:
        raise NotFound(f"There is no user {user_id}.")
    if "full_name" in changes:
        changes["full_name"] = checked_full_name(changes["full_name"])
    if "email" in changes:
        changes["email"] = checked_email(changes["email"])
    user = await store.update_user(unit.connection, user_id, changes)
    if await store.count_administrators(unit.connection) == 0:
        raise Conflict(
            "This is the last administrator; make another one first.",
            code="last_administrator",
        )
    unit.emit(identity_snapshot(user))
    if "password_hash" in changes or not user.is_active:
        await end_sessions(unit, user_id)
    return user


async def end_sessions(unit: UnitOfWork, user_id: int) -> None:
    """Sign a user out of every browser."""
    revoked = await store.revoke_tokens(unit.connection, user_id, sessions_only=True)
    for token in revoked:
        unit.emit(token_snapshot(token))
