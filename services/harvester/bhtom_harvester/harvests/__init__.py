"""Harvests: which source is asked about which target, and when."""
