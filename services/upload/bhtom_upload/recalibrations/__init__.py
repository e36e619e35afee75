"""Calibrating many products again: previewed, compared, and only then recorded."""
