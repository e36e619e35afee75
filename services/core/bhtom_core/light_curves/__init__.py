"""Points and their revisions: where they come from, never what they are worth."""
