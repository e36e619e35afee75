"""Decisions made from many frames, and the pinning of them with each request."""
