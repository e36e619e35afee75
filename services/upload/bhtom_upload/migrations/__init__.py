"""The migrations of the schema `upload`."""
