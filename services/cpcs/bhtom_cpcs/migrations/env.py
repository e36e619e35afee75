"""Alembic's environment of the cpcs schema."""

from bhtom_cpcs.calibrations import tables as _calibrations  # noqa: F401 - fills it
from bhtom_cpcs.camera_reports import tables as _reports  # noqa: F401 - fills it
from bhtom_cpcs.decisions import scene_tables as _scenes  # noqa: F401 - fills it
from bhtom_cpcs.decisions import tables as _decisions  # noqa: F401 - fills it
from bhtom_cpcs.replicas import tables as _replicas  # noqa: F401 - fills it
from bhtom_cpcs.schema import METADATA
from bhtom_runtime.migrations.environment import run_environment

run_environment(METADATA)
