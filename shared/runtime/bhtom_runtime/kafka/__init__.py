"""Everything that speaks with Kafka; nothing else imports its client."""
