"""One W3C trace id follows a thing through HTTP, Kafka, jobs, rows and logs."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

import structlog
from opentelemetry import trace as opentelemetry_trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

_TRACEPARENT: Final = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")
_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def new_traceparent(trace_id: str | None = None) -> str:
    """A traceparent with a fresh span, in the trace given or in a new one."""
    return f"00-{trace_id or secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def accepted(traceparent: str | None) -> str | None:
    """The traceparent when it is well formed, else nothing: callers are hostile."""
    if traceparent is None:
        return None
    match = _TRACEPARENT.match(traceparent)
    if match is None or set(match[1]) == {"0"} or set(match[2]) == {"0"}:
        return None
    return traceparent


def trace_id_of(traceparent: str) -> str:
    """The 32 hex digits that a whole journey shares."""
    return traceparent.split("-")[1]


def current_traceparent() -> str | None:
    """The traceparent of the work at hand."""
    return _current.get()


def current_trace_id() -> str | None:
    """The trace id of the work at hand."""
    traceparent = _current.get()
    return None if traceparent is None else trace_id_of(traceparent)


@contextmanager
def traced(traceparent: str | None, **bound: object) -> Iterator[str]:
    """Continue a trace (or begin one) for a block, and bind its id to the logs."""
    parent = accepted(traceparent)
    here = new_traceparent(trace_id_of(parent) if parent else None)
    token = _current.set(here)
    span = NonRecordingSpan(
        SpanContext(
            trace_id=int(trace_id_of(here), 16),
            span_id=int(here.split("-")[2], 16),
            is_remote=True,
            trace_flags=TraceFlags(1),
        )
    )
    try:
        with (
            opentelemetry_trace.use_span(span),
            structlog.contextvars.bound_contextvars(
                trace_id=trace_id_of(here), **bound
            ),
        ):
            yield here
    finally:
        _current.reset(token)
