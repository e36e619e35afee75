"""BHTOM upload: receives, checks and tracks every data product."""
