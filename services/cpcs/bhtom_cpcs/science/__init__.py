"""From a frame to a standard magnitude: arrays in, frozen results out, no services."""
