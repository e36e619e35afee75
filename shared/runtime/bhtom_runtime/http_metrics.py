"""Prometheus figures of the HTTP side."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "bhtom_http_requests_total",
    "HTTP requests by route and status.",
    ("service", "method", "route", "status"),
)
REQUEST_SECONDS = Histogram(
    "bhtom_http_request_seconds",
    "Time to the end of the answer.",
    ("service", "method", "route"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
IN_FLIGHT = Gauge(
    "bhtom_http_requests_in_flight", "HTTP requests being answered.", ("service",)
)
