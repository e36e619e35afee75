"""The schema that all tables of cpcs belong to."""

from typing import Final

from bhtom_runtime.tables import infrastructure, service_metadata

METADATA: Final = service_metadata("cpcs")
INFRASTRUCTURE: Final = infrastructure(METADATA)
