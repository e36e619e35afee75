"""The reference catalogues that were imported here: list, import, keep in mind."""
