"""What core knows and an upload needs: targets, cameras and people."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bhtom_contracts.events.cameras import CameraChanged
from bhtom_contracts.events.targets import TargetChanged
from bhtom_runtime.database import Database
from bhtom_runtime.replicas import OwnerClient
from bhtom_runtime.service import Subscription
from bhtom_runtime.settings import ServiceSettings
from bhtom_upload.replicas.cameras import Cameras, on_camera
from bhtom_upload.replicas.people import People
from bhtom_upload.replicas.targets import Targets, on_target

SUBSCRIPTIONS: Final = (
    Subscription(TargetChanged, on_target),
    Subscription(CameraChanged, on_camera),
)


class Directory:
    """The three replicas, and the one connection to their owner."""

    def __init__(self, database: Database, settings: ServiceSettings) -> None:
        self._owner = OwnerClient(settings)
        self.targets = Targets(database, self._owner, settings.core_url)
        self.cameras = Cameras(database, self._owner, settings.core_url)
        self.people = People(database, self._owner, settings.core_url)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Close the connection when the process ends."""
        try:
            yield
        finally:
            await self._owner.close()
