"""Alembic's environment of the upload schema."""

from bhtom_runtime.migrations.environment import run_environment
from bhtom_upload.data_products import tables as _products  # noqa: F401 - fills it
from bhtom_upload.recalibrations import tables as _campaigns  # noqa: F401 - fills it
from bhtom_upload.replicas import tables as _replicas  # noqa: F401 - fills it
from bhtom_upload.schema import metadata

run_environment(metadata)
