"""Prometheus figures of the event side."""

from prometheus_client import Counter, Gauge, Histogram

OUTBOX_BACKLOG = Gauge(
    "bhtom_outbox_backlog", "Events that wait to be published.", ("service",)
)
OUTBOX_OLDEST_SECONDS = Gauge(
    "bhtom_outbox_oldest_seconds", "Age of the oldest unpublished event.", ("service",)
)
RELAY_ACTIVE = Gauge(
    "bhtom_relay_active", "1 where this process is the one that relays.", ("service",)
)
PUBLISHED = Counter(
    "bhtom_events_published_total", "Events that Kafka has.", ("service", "topic")
)
PUBLISH_SECONDS = Histogram(
    "bhtom_event_publish_seconds",
    "From the row in the outbox to Kafka's receipt.",
    ("service",),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 120, 600),
)
BROKERS_LOST = Counter(
    "bhtom_brokers_lost_total",
    "Times that another, empty Kafka was found.",
    ("service",),
)
CONSUMED = Counter(
    "bhtom_events_consumed_total",
    "Events read: applied, repeated, dead, parked or replaced.",
    ("consumer", "topic", "result"),
)
EVENT_AGE_SECONDS = Histogram(
    "bhtom_event_age_seconds",
    "From the row in the sender's outbox to its effect here.",
    ("consumer",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 120, 600),
)
CONSUMER_LAG = Gauge(
    "bhtom_consumer_lag", "Events in Kafka that are not applied yet.", ("consumer",)
)
CONSUMER_STOPPED = Gauge(
    "bhtom_consumer_stopped", "1 when too many dead letters stopped it.", ("consumer",)
)
FAILED_ATTEMPTS = Counter(
    "bhtom_event_failures_total",
    "Attempts to apply an event that failed.",
    ("consumer", "topic"),
)
