"""What Prometheus learns about calibrations."""

from typing import Final

from prometheus_client import Counter, Histogram

ANSWERED: Final = Counter(
    "bhtom_cpcs_answers_total", "Planes answered, by outcome.", ("outcome",)
)
REDUCTION_SECONDS: Final = Histogram(
    "bhtom_cpcs_reduction_seconds",
    "Wall time of a frame's reduction.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 300),
)
REDRIVEN: Final = Counter(
    "bhtom_cpcs_redriven_requests_total",
    "Queued requests that had lost their job and got another.",
)
WOKEN: Final = Counter(
    "bhtom_cpcs_woken_requests_total",
    "Waiting requests that went on because reference stars had come.",
)
