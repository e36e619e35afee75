"""Finding and measuring the stars of a frame."""
