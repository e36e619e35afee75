"""Signing in with a name and a password, at a limited pace."""

from datetime import UTC, datetime, timedelta

import structlog

from bhtom_core.people import store
from bhtom_core.people.domain import TooManyAttempts, attempt_key
from bhtom_core.people.passwords import Passwords, needs_new_hash
from bhtom_core.rows import Record
from bhtom_core.settings import CoreSettings
from bhtom_runtime.database import Database

_logger = structlog.get_logger(__name__)


class SignIn:
    """Checks names and passwords; counts attempts by name and address."""

    def __init__(
        self, database: Database, passwords: Passwords, settings: CoreSettings
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._attempts = settings.sign_in_attempts
        self._window = timedelta(seconds=settings.sign_in_window_s)

    async def check(self, username: str, password: str, address: str) -> Record | None:
        """The active user with this name and password, else nothing."""
        key = attempt_key(username, address)
        await self._count(key)
        # PostgreSQL's texts hold no NUL, so nobody has one in his name.
        name = username.replace("\0", "\ufffd").strip()
        async with self._database.read() as connection:
            user = await store.user_by_username(connection, name)
        known_hash = None if user is None else user.password_hash
        if not await self._passwords.matches(known_hash, password):
            _logger.warning("sign-in refused", address=address)
            return None
        assert user is not None  # noqa: S101 - nobody has no hash
        async with self._database.unit_of_work() as unit:
            await store.forget_attempts(unit.connection, key=key)
        if not user.is_active or user.deleted_at is not None:
            return None
        await self._renew_hash(user, password)
        return user

    async def _count(self, key: str) -> None:
        since = datetime.now(UTC) - self._window
        async with self._database.unit_of_work() as unit:
            earlier = await store.add_attempt(unit.connection, key, since)
            # Refused attempts do not count, or a patient guesser locks a user out.
            if earlier >= self._attempts:
                minutes = max(1, round(self._window.total_seconds() / 60))
                unit_name = "minute" if minutes == 1 else "minutes"
                raise TooManyAttempts(
                    f"Too many sign-in attempts with this name; wait {minutes} "
                    f"{unit_name} and try again.",
                    retry_after_s=int(self._window.total_seconds()),
                )

    async def _renew_hash(self, user: Record, password: str) -> None:
        if not needs_new_hash(user.password_hash):
            return
        password_hash = await self._passwords.hash(password)
        async with self._database.unit_of_work() as unit:
            await store.replace_hash(
                unit.connection, user.user_id, user.password_hash, password_hash
            )
