"""BHTOM web: the pages."""
