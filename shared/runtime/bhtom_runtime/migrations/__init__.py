"""Alembic, one version table a schema; a service's env.py calls one function."""

from bhtom_runtime.migrations.infrastructure_0001 import (
    create_infrastructure,
    drop_infrastructure,
)

__all__ = ["create_infrastructure", "drop_infrastructure"]
