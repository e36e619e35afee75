"""ASGI middleware: the trace id of a request, its log line and its figures."""

import re
import time
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bhtom_runtime.http_metrics import IN_FLIGHT, REQUEST_SECONDS, REQUESTS
from bhtom_runtime.tracing import accepted, new_traceparent, trace_id_of, traced

_CORRELATION_ID: Final = re.compile(r"^[0-9a-f]{32}$")
_QUIET: Final = frozenset({"/health/live", "/health/ready", "/metrics"})
_logger = structlog.get_logger(__name__)


class TraceMiddleware:
    """Continues the caller's trace, or begins one, and says so in the answer."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with traced(_traceparent_of(scope)) as traceparent:
            await self._serve(scope, receive, send, trace_id_of(traceparent))

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, trace_id: str
    ) -> None:
        status = 500
        started = time.perf_counter()

        async def send_with_trace(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-trace-id", trace_id.encode()),
                    (b"correlation-id", trace_id.encode()),
                ]
            await send(message)

        IN_FLIGHT.labels(self._service).inc()
        try:
            await self._app(scope, receive, send_with_trace)
        finally:
            IN_FLIGHT.labels(self._service).dec()
            self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "(none)")
        method = scope["method"]
        REQUESTS.labels(self._service, method, route, str(status)).inc()
        REQUEST_SECONDS.labels(self._service, method, route).observe(seconds)
        if scope["path"] not in _QUIET:
            _logger.info(
                "request",
                method=method,
                route=route,
                path=scope["path"],
                status=status,
                milliseconds=round(seconds * 1000, 1),
            )


def _traceparent_of(scope: Scope) -> str | None:
    headers = dict(scope["headers"])
    given = accepted(headers.get(b"traceparent", b"").decode("latin-1"))
    if given is not None:
        return given
    correlation = headers.get(b"correlation-id", b"").decode("latin-1")
    correlation = correlation.replace("-", "").lower()
    if _CORRELATION_ID.match(correlation) and set(correlation) != {"0"}:
        return new_traceparent(correlation)
    return None
