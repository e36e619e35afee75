"""Slow work as rows of the service's own schema, with its results exactly once."""

from bhtom_runtime.jobs.errors import PermanentFailure, Postpone, Retry

__all__ = ["PermanentFailure", "Postpone", "Retry"]
