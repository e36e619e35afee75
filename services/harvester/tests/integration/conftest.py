"""The harvester on a real database, with an archive on loopback."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
import stamina
from sqlalchemy import delete

from bhtom_harvester.main import SERVICE
from bhtom_harvester.settings import HarvesterSettings
from bhtom_harvester.tables import metadata
from bhtom_harvester.testing import (
    Archive,
    Harvester,
    Reply,
)
from bhtom_runtime.database import Database
from bhtom_runtime.migrations.commands import upgrade
from bhtom_runtime.run import build_application, open_context
from bhtom_runtime.testing import add_users

RECORDED = Path(__file__).parents[1] / "recorded"
# What the migration writes itself.
KEPT = {"database_epoch"}


@pytest.fixture(scope="module")
def database_url(service_database: Callable[[str], str]) -> str:
    """A migrated schema."""
    url = service_database("harvester")
    upgrade("bhtom_harvester", url)
    return url


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """An archive that has one list and two light curves."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    curve = Reply((RECORDED / "lightcurve.csv").read_bytes())
    replies = {
        "alerts.csv": Reply(
            (RECORDED / "alerts.csv").read_bytes(), headers={"ETag": '"1"'}
        ),
        "alert/Gaia21een/lightcurve.csv": curve,
        "alert/Gaia21edy/lightcurve.csv": curve,
    }
    # Repetitions come at once; how many there are stays.
    archive = Archive(replies)
    archive.open()
    with stamina.set_testing(True, attempts=3):
        yield archive
    archive.close()


@pytest.fixture
async def harvester(
    database_url: str, archive: Archive, tmp_path: Path
) -> AsyncIterator[Harvester]:
    """The service with an empty schema, a few users and no worker."""
    settings = HarvesterSettings.load(
        DATABASE_URL=database_url,
        object_store=tmp_path / "objects",
        gaia_alerts_url=archive.url,
        harvester_contact="observer@example.org",
        core_url="http://127.0.0.1:9",
    )
    async with open_context(SERVICE, settings) as context:
        await _begin_anew(context.database)
        parts = SERVICE.build(context)
        app = build_application(SERVICE, context, parts)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://t"
        ) as client:
            yield Harvester(context, parts, client, archive)


async def _begin_anew(database: Database) -> None:
    async with database.unit_of_work() as unit:
        for table in metadata.sorted_tables:
            if table.name not in KEPT:
                await unit.execute(delete(table))
    await add_users(database)
