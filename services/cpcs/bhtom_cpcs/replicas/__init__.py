"""What cpcs remembers of things that core and upload own."""
