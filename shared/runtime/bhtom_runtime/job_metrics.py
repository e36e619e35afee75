"""Prometheus figures of the jobs."""

from prometheus_client import Counter, Gauge, Histogram

BACKLOG = Gauge(
    "bhtom_jobs_backlog",
    "Jobs that are ready or running.",
    ("service", "kind", "state"),
)
OLDEST_SECONDS = Gauge(
    "bhtom_jobs_oldest_seconds",
    "How long the oldest due job of a kind has waited.",
    ("service", "kind"),
)
WAIT_SECONDS = Histogram(
    "bhtom_job_wait_seconds",
    "From the time a job was due to its start.",
    ("service", "kind"),
    buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600, 3600, 21600),
)
DURATION_SECONDS = Histogram(
    "bhtom_job_duration_seconds",
    "From a job's start to the end of its attempt.",
    ("service", "kind", "outcome"),
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800),
)
DEATHS = Counter(
    "bhtom_job_deaths_total", "Jobs that ended without success.", ("service", "kind")
)
RESCUED = Counter(
    "bhtom_jobs_rescued_total",
    "Attempts whose worker died or froze.",
    ("service", "kind"),
)
