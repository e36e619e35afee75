"""Which failures pass by themselves, and how each is told in a row or a log line."""

import traceback
from typing import Final

import asyncpg
from pydantic import ValidationError
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bhtom_runtime.errors import ServiceError

_LONGEST: Final = 8000
# Connection, sign-in, serialization and deadlock, resources, shut-down; then lock not
# available and a transaction that was idle for too long.
_PASSING_CLASSES: Final = ("08", "28", "40", "53", "57")
_PASSING_STATES: Final = ("55P03", "25P03")


class Permanent(Exception):
    """An event that no repetition will make right."""


def is_transient(error: BaseException) -> bool:
    """Whether the same thing can succeed later without anybody changing anything."""
    if isinstance(error, ServiceError):
        return error.retryable
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        state = _sql_state(error.orig)
        if state is None:
            return isinstance(error, OperationalError | InterfaceError)
        return _passes(state)
    if isinstance(error, asyncpg.PostgresError):
        # Refused before there was a connection, so SQLAlchemy has not wrapped it.
        return _passes(_sql_state(error) or "")
    return isinstance(
        error,
        OSError
        | TimeoutError
        | PoolTimeout
        | DisconnectionError
        | asyncpg.InterfaceError,
    )


def is_permanent(error: BaseException) -> bool:
    """Whether trying again is of no use at all."""
    if isinstance(error, ServiceError):
        return not error.retryable
    return isinstance(error, Permanent | ValidationError)


def sentence_of(error: BaseException) -> str:
    """The failure in one line, without what was sent."""
    if isinstance(error, ValidationError):
        problems = error.errors(
            include_url=False, include_input=False, include_context=False
        )
        text = "; ".join(
            f"{'.'.join(str(part) for part in one['loc']) or 'body'}: {one['msg']}"
            for one in problems[:10]
        )
        return _storable(f"It does not fit the schema: {text}")
    if isinstance(error, DBAPIError):
        # Its own text repeats the statement with all its values.
        return _storable(f"{type(error).__name__}: {error.orig}")
    if isinstance(error, ServiceError | Permanent):
        return _storable(str(error))
    return _storable(f"{type(error).__name__}: {error}")


def account_of(error: BaseException) -> str:
    """The failure with the way to it, for whoever looks at a dead letter."""
    way = "".join(traceback.format_tb(error.__traceback__)[-6:])
    return _storable(f"{sentence_of(error)}\n{way}".strip())


def _storable(text: str) -> str:
    """PostgreSQL's text holds no NUL."""
    return text.replace("\0", "�")[:_LONGEST]


def _passes(state: str) -> bool:
    return state[:2] in _PASSING_CLASSES or state in _PASSING_STATES


def _sql_state(error: BaseException | None) -> str | None:
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else None
