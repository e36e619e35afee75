"""The metadata that all tables of this service share."""

from typing import Final

from bhtom_runtime.tables import infrastructure, service_metadata

SCHEMA: Final = "upload"
metadata = service_metadata(SCHEMA)
INFRASTRUCTURE: Final = infrastructure(metadata)
