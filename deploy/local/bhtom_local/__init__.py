"""The whole BHTOM suite on one machine, from Python wheels alone."""
