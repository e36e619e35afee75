"""Users, their passwords, tokens and sessions."""
