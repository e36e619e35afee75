"""Targets: what they are called, where they are, who may see them."""
