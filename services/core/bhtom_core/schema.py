"""The metadata of core's own schema, on which every slice puts its tables."""

from bhtom_runtime.tables import infrastructure, service_metadata

metadata = service_metadata("core")
infra = infrastructure(metadata)
