"""What a job's handler may raise, and how any error is told in the job's row."""

import traceback
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bhtom_runtime.errors import ServiceError

_LONGEST_SENTENCE: Final = 2000


class JobError(Exception):
    """Why this attempt did not end with a result."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Retry(JobError):
    """Again later; the attempt counts. Without `after_s` the pause grows by itself."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


class Postpone(JobError):
    """Again later; the attempt does not count: what is waited for is not here yet."""

    def __init__(self, reason: str, after_s: float) -> None:
        super().__init__(reason)
        self.after_s = after_s


class PermanentFailure(JobError):
    """No other attempt can succeed: the job is dead at once."""


class LeaseLost(Exception):
    """The job is no longer this worker's; nothing of its result may be written."""


DATABASE_TROUBLE: Final = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)
"""What a loop that needs the database waits out."""

# Serialization, deadlock, and a server that stops, starts or ends our session.
_PASSING: Final = ("40001", "40P01", "57P", "08", "25P03", "55P03")


def is_passing(error: BaseException) -> bool:
    """Whether the same transaction may succeed when it is done again."""
    if isinstance(error, ConnectionError | asyncpg.CannotConnectNowError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or state.startswith(_PASSING)


def sentence_of(error: BaseException) -> str:
    """One line for the job's row: what went wrong, and where in our code."""
    if isinstance(error, JobError):
        text = error.reason
    elif isinstance(error, ServiceError):
        text = error.sentence
    else:
        # SQLAlchemy's text has the statement's parameters, which may be secret.
        cause = error.orig if isinstance(error, DBAPIError) else error
        first = str(cause).strip().split("\n", 1)[0]
        frames = traceback.extract_tb(error.__traceback__)
        where = f" (in {frames[-1].name}, line {frames[-1].lineno})" if frames else ""
        text = f"{type(error).__name__}: {first}{where}"
    return text[:_LONGEST_SENTENCE].replace("\0", "")
