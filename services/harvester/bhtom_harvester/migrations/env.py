"""Alembic's environment of the harvester's schema."""

from bhtom_harvester.tables import metadata
from bhtom_runtime.migrations.environment import run_environment

run_environment(metadata)
