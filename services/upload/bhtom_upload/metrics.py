"""Prometheus figures of the upload service."""

from typing import Final

from prometheus_client import Counter, Gauge

UPLOADS: Final = Counter(
    "bhtom_uploads_total", "Files offered, by what became of them.", ("result",)
)
UPLOADED_BYTES: Final = Counter(
    "bhtom_uploaded_bytes_total", "Bytes of the files that were taken."
)
ANSWERS: Final = Counter(
    "bhtom_upload_answers_total",
    "Answers of cpcs and core, by what they said.",
    ("answer",),
)
OVERDUE: Final = Gauge(
    "bhtom_upload_overdue_data_products",
    "Data products that wait longer than expected for an answer, by state.",
    ("state",),
)
REDRIVEN: Final = Counter(
    "bhtom_upload_redriven_total",
    "Requests that were sent again because no answer came, by state.",
    ("state",),
)
