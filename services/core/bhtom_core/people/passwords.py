"""Hashing and checking passwords with argon2id, off the event loop."""

import asyncio
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's second choice: 19 MiB, two passes, one lane.
_HASHER: Final = PasswordHasher(
    time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID
)
_AT_ONCE: Final = 2


class Passwords:
    """Two hashes at a time, so that a flood of sign-ins takes neither RAM nor CPU."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._nobody = _HASHER.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The argon2id hash to keep."""
        async with self._slots:
            return await asyncio.to_thread(_HASHER.hash, password)

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password; takes as long for a user who does not exist."""
        async with self._slots:
            found = await asyncio.to_thread(
                _verify, password_hash or self._nobody, password
            )
        return found and password_hash is not None


def needs_new_hash(password_hash: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
