"""Alembic's environment for core."""

import bhtom_core.main  # noqa: F401 - every slice puts its tables on the metadata
from bhtom_core.schema import metadata
from bhtom_runtime.migrations.environment import run_environment

run_environment(metadata)
