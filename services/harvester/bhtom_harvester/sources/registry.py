"""The sources this harvester knows; a new one is a module and a line here."""

from bhtom_harvester.settings import HarvesterSettings
from bhtom_harvester.sources.gaia_alerts import GaiaAlerts
from bhtom_harvester.sources.interface import Source
from bhtom_harvester.sources.polite_client import PoliteClient
from bhtom_runtime.database import Database


def build_sources(settings: HarvesterSettings, database: Database) -> dict[str, Source]:
    """Every source by its name."""
    gaia = PoliteClient(
        str(settings.gaia_alerts_url),
        database,
        contact=settings.harvester_contact,
    )
    sources: tuple[Source, ...] = (GaiaAlerts(gaia, gaia.host),)
    return {source.name: source for source in sources}
