"""Plumbing of the BHTOM services: events, jobs, HTTP, storage."""
