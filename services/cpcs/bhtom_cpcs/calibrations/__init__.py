"""Calibrations: asked for by upload, reduced by workers, answered by events."""
