"""Alembic's environment of the harvester's schema."""

from bhtom_runtime.migrations.environment import run_environment

from bhtom_harvester.tables import metadata

run_environment(metadata)
