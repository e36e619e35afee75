"""Observatories and their cameras, in versions that a reduction can pin."""
