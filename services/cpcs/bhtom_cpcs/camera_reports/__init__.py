"""What a camera's own calibrated frames teach about it."""
