"""Instrumental catalogues: what photometry programs write, read into one form."""
