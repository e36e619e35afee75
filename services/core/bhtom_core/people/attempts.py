"""Forgets old sign-in attempts."""

from datetime import UTC, datetime, timedelta
from typing import Final

from bhtom_core.people import store
from bhtom_core.settings import CoreSettings
from bhtom_runtime.database import Database
from bhtom_runtime.service import Job

JOB_KIND: Final = "forget_attempts"


class ForgetAttempts:
    """The job that drops attempts which no longer count."""

    def __init__(self, database: Database, settings: CoreSettings) -> None:
        self._database = database
        self._window = timedelta(seconds=settings.sign_in_window_s)

    async def run(self, _: Job) -> None:
        """Drop them."""
        async with self._database.unit_of_work() as unit:
            await store.forget_attempts(
                unit.connection, before=datetime.now(UTC) - self._window
            )
