"""The migrations of the cpcs schema."""
