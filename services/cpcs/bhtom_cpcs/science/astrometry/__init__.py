"""From pixels to the sky and to the reference stars."""
