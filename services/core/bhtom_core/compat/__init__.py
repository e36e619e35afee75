"""Endpoints on the paths and in the shapes of BHTOM2."""
