"""Fills the local tiles from archives, when an operator asks for it."""
