"""BHTOM core: people, targets, cameras and light curves."""
