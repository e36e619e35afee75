"""What a reduction answers, by subject: frozen and convertible to JSON."""
