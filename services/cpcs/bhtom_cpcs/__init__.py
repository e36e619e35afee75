"""BHTOM cpcs: turns frames into calibrated photometry."""
