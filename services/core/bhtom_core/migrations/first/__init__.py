"""The tables as the first migration makes them; frozen."""
