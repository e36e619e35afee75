"""cpcs on a real database, with and without its worker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bhtom_cpcs.main import SERVICE
from bhtom_cpcs.settings import CpcsSettings
from bhtom_cpcs.testing import BEGIN, CENTRE, Cpcs
from bhtom_runtime.jobs.worker import Worker
from bhtom_runtime.migrations.commands import upgrade
from bhtom_runtime.run import build_application, open_context
from bhtom_runtime.testing import add_users
from bhtom_sky import Camera, Frame, Sky, make_sky, render_frame

CAMERA = Camera(width_px=256, height_px=256, pixel_scale_arcsec=1.2)


@pytest.fixture(scope="module")
def database_url(service_database: Callable[[str], str]) -> str:
    """A migrated schema."""
    url = service_database("cpcs")
    upgrade("bhtom_cpcs", url)
    return url


@pytest.fixture
def options() -> dict[str, Any]:
    """Settings that a test module may override."""
    return {}


@pytest.fixture
async def cpcs(
    database_url: str, tmp_path: Path, options: dict[str, Any]
) -> AsyncIterator[Cpcs]:
    """The service, with a few users and without a worker."""
    overrides: dict[str, Any] = {
        "DATABASE_URL": database_url,
        "object_store": tmp_path / "objects",
        "reduction_processes": 1,
        **options,
    }
    settings = CpcsSettings.load(**overrides)
    assert isinstance(settings, CpcsSettings)
    async with open_context(SERVICE, settings) as context:
        parts = SERVICE.build(context)
        app = build_application(SERVICE, context, parts)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://t"
        ) as client:
            cpcs = Cpcs(context, parts, client, settings)
            await add_users(context.database)
            stop = asyncio.Event()
            listening = asyncio.create_task(context.notifications.run(stop))
            yield cpcs
            stop.set()
            await listening


@pytest.fixture
async def working(cpcs: Cpcs) -> AsyncIterator[Cpcs]:
    """The service with its worker."""
    worker = Worker(
        cpcs.context.database,
        kinds=cpcs.parts.job_kinds,
        crons=cpcs.parts.crons,
        limits=cpcs.parts.rate_limits,
        notifications=cpcs.context.notifications,
        concurrency=cpcs.settings.job_workers,
        lease_s=5.0,
    )
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    yield cpcs
    stop.set()
    await running


@pytest.fixture(scope="session")
def sky() -> Sky:
    """A small field with a variable star in the middle."""
    return make_sky(11, CENTRE, 0.08, 260, faintest=18.0)


@pytest.fixture(scope="session")
def frame(sky: Sky) -> Frame:
    """A frame of the field."""
    return render_frame(
        sky, CAMERA, BEGIN, 20.0, CENTRE, "GaiaSP/r", seed=5, name="field.fits"
    )
