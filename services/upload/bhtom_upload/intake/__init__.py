"""Takes files in: checks, stores and registers them."""
