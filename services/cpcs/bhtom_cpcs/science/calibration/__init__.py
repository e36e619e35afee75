"""From instrumental to standard magnitudes."""
