"""The forced measurement of what the frame was taken for."""
