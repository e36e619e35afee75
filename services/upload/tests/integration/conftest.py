"""The upload service on a real PostgreSQL, with a small stand-in for core's HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import pytest_asyncio

from bhtom_runtime.migrations.commands import upgrade
from bhtom_runtime.run import build_application, open_context
from bhtom_upload.main import SERVICE
from bhtom_upload.settings import UploadSettings
from bhtom_upload.testing import FakeCore, UploadApp, fake_core


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def core() -> AsyncIterator[FakeCore]:
    """A core that knows what a test tells it."""
    async with fake_core() as fake:
        yield fake


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(
    service_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
    core: FakeCore,
) -> AsyncIterator[UploadApp]:
    """The service, migrated and ready, in this process."""
    url = service_database("upload")
    upgrade(SERVICE.package, url)
    store = tmp_path_factory.mktemp("store")
    settings = UploadSettings.model_validate(
        {
            "DATABASE_URL": url,
            "object_store": store,
            "core_url": core.url,
            "internal_secret": "test-secret",
            "max_upload_bytes": 4 << 20,
            "max_unpacked_bytes": 8 << 20,
            "max_files_per_form": 5,
        }
    )
    async with open_context(SERVICE, settings) as context:
        parts = SERVICE.build(context)
        application = build_application(SERVICE, context, parts)
        transport = httpx.ASGITransport(application)
        stop = asyncio.Event()
        listening = asyncio.create_task(context.notifications.run(stop))
        async with (
            application.router.lifespan_context(application),
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            yield UploadApp(context, parts, client, core, store)
        stop.set()
        await listening
