"""The payloads of all events, one module an owner."""
