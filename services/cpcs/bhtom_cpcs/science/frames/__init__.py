"""Files, headers and detectors: what a frame is before its stars are looked at."""
