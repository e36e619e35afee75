"""Migrations of core's schema."""
