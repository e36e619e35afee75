"""The harvester's settings."""

from pydantic import Field, HttpUrl

from bhtom_runtime.settings import ServiceSettings


class HarvesterSettings(ServiceSettings):
    """What the harvester needs beyond what every service has."""

    gaia_alerts_url: HttpUrl = HttpUrl("https://gsaweb.ast.cam.ac.uk/alerts")
    harvester_contact: str = Field(
        default="", description="Mail address told to the archives in User-Agent."
    )
    harvest_cadence_hours: float = Field(default=24.0, gt=0)
