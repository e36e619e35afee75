"""The demonstration: a real frame, and a simulated night of a variable star."""
