"""What became of each uploaded file, from its arrival to its point."""
