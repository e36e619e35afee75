"""What cpcs remembers of things that core owns."""
