"""The sources this harvester knows; a new one is a module and a line here."""

from pydantic import HttpUrl

from bhtom_harvester.settings import HarvesterSettings
from bhtom_harvester.sources.gaia_alerts import GaiaAlerts
from bhtom_harvester.sources.interface import Source
from bhtom_harvester.sources.polite_client import PoliteClient
from bhtom_runtime.database import Database


def build_sources(settings: HarvesterSettings, database: Database) -> dict[str, Source]:
    """Every source by its name."""

    def polite(address: HttpUrl) -> PoliteClient:
        return PoliteClient(str(address), database, contact=settings.harvester_contact)

    sources: tuple[Source, ...] = (GaiaAlerts(polite(settings.gaia_alerts_url)),)
    return {source.name: source for source in sources}
