"""The gateway's routes, asked through a real Caddy, with echoes behind it."""

import http.client
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path

import httpx
import pytest

from bhtom_local.parts import SERVICE_ROLES, unused_ports
from bhtom_local.testing import temporary_stack
from bhtom_runtime.run import build_application, open_context


class Echo(BaseHTTPRequestHandler):
    """Answers with who was asked, and what arrived."""

    protocol_version = "HTTP/1.1"
    service = ""
    first_sent = threading.Event()
    may_end = threading.Event()

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.path == "/stream":
            self.stream()
            return
        seen = {
            "service": self.service,
            "path": self.path,
            "method": self.command,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "bytes": len(body),
        }
        content = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if self.service == "harvester":
            # It is stopped by a test: no kept connection may outlive it.
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    # The standard library calls these by name.
    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815

    def stream(self) -> None:
        """Two events; the second one only when the test has seen the first."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: one\n\n")
        self.wfile.flush()
        self.may_end.wait(20)
        self.wfile.write(b"data: two\n\n")
        self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class EchoServer(ThreadingHTTPServer):
    """Keeps quiet about clients that go away, as a refused upload does."""

    def handle_error(self, *_: object) -> None:
        """Nothing of ours has failed."""


@dataclass
class Gateway:
    """A running gateway and the services behind it."""

    url: str
    port: int
    servers: dict[str, ThreadingHTTPServer]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    ports = unused_ports("combined")
    static = tmp_path_factory.mktemp("static")
    hashed = static / "vendor" / "0123abcd"
    hashed.mkdir(parents=True)
    (hashed / "site.css").write_text("body{}")
    (static.parent / "secret.txt").write_text("not for anybody")
    servers = {}
    for service in SERVICE_ROLES:
        handler = type(f"Echo_{service}", (Echo,), {"service": service})
        server = EchoServer(("127.0.0.1", ports[service]), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers[service] = server
    with temporary_stack(
        parts={"gateway"},
        ports=ports,
        environment={"BHTOM_STATIC_FILES": str(static)},
    ) as stack:
        yield Gateway(stack.plan.public_url, ports["gateway"], servers)
    for server in servers.values():
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("method", "path", "service"),
    [
        ("POST", "/upload/", "upload"),
        ("POST", "/upload", "upload"),
        ("GET", "/upload/", "web"),
        ("PUT", "/api/v1/frames", "upload"),
        ("GET", "/api/v1/data-products", "upload"),
        ("GET", "/api/v1/data-products/17", "upload"),
        ("GET", "/api/v1/data-products/17/events?from=2", "upload"),
        ("GET", "/api/v1/calibrations/5", "cpcs"),
        ("GET", "/api/v1/reference-catalogues", "cpcs"),
        ("GET", "/api/v1/harvests", "harvester"),
        ("GET", "/api/v1/sources", "harvester"),
        ("POST", "/api/token-auth/", "core"),
        ("GET", "/api/v1/targets", "core"),
        ("GET", "/api/v1/framesets", "core"),
        ("PATCH", "/api/v1/points/9", "core"),
        ("GET", "/", "web"),
        ("GET", "/targets/Gaia21ccu", "web"),
        ("GET", "/targets/a%2Fb/", "web"),
        ("GET", "/api", "web"),
    ],
)
def test_every_route_reaches_its_service(
    gateway: Gateway, method: str, path: str, service: str
) -> None:
    answer = httpx.request(method, gateway.url + path)
    assert answer.status_code == 200
    assert answer.json()["service"] == service
    assert answer.json()["path"] == path


@pytest.mark.parametrize("service", ["core", "upload", "cpcs", "harvester"])
async def test_every_public_route_of_a_service_leads_to_it(
    gateway: Gateway,
    service: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:none@127.0.0.1:1/none")
    monkeypatch.setenv("BHTOM_OBJECT_STORE", str(tmp_path))
    described = import_module(f"bhtom_{service}.main").SERVICE
    async with open_context(described, described.settings.load()) as context:
        app = build_application(described, context, described.build(context))
    asked = 0
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        for path, operations in app.openapi()["paths"].items():
            if path.startswith("/internal/"):
                continue
            for method in operations:
                answer = await client.request(method, re.sub(r"{\w+}", "17", path))
                assert answer.json()["service"] == service, f"{method} {path}"
                asked += 1
    assert asked > 2


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics/",
        "//metrics",
        "/./metrics",
        "/METRICS",
        "/%6Detrics",
        "/static/../metrics",
        "/health",
        "/health/live",
        "/health/ready",
        "/health//ready",
        "/internal/tokens/abc",
        "/%69nternal/tokens/abc",
    ],
)
def test_inner_views_are_not_for_the_outside(gateway: Gateway, path: str) -> None:
    status, _ = _raw(gateway, path)
    assert status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../secret.txt",
        "/static/%2e%2e/secret.txt",
        "/static/..%2fsecret.txt",
    ],
)
def test_static_files_stay_in_their_folder(gateway: Gateway, path: str) -> None:
    _, body = _raw(gateway, path)
    assert b"not for anybody" not in body


def test_a_hashed_static_file_may_be_kept_for_ever(gateway: Gateway) -> None:
    answer = httpx.get(f"{gateway.url}/static/vendor/0123abcd/site.css")
    assert answer.text == "body{}"
    assert "immutable" in answer.headers["Cache-Control"]
    assert httpx.get(f"{gateway.url}/static/none.css").status_code == 404


def test_what_a_client_says_about_itself_is_not_believed(gateway: Gateway) -> None:
    lies = {
        "X-Forwarded-For": "10.9.8.7",
        "X-Forwarded-Host": "evil.example.org",
        "X-Forwarded-Proto": "https",
        "Forwarded": "for=10.9.8.7",
        "X-Real-IP": "10.9.8.7",
        "X-BHTOM-Internal": "guess",
    }
    seen = httpx.get(f"{gateway.url}/api/v1/targets", headers=lies).json()["headers"]
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-host"] == f"localhost:{gateway.port}"
    assert seen["x-forwarded-proto"] == "http"
    assert not {"forwarded", "x-real-ip", "x-bhtom-internal"} & set(seen)


def test_the_trace_and_the_token_pass_through(gateway: Gateway) -> None:
    given = {
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "authorization": "Token abc",
    }
    seen = httpx.get(f"{gateway.url}/api/v1/frames", headers=given).json()["headers"]
    assert {name: seen[name] for name in given} == given


def test_every_answer_carries_the_security_headers(gateway: Gateway) -> None:
    for path in ("/", "/api/v1/targets", "/static/vendor/0123abcd/site.css"):
        headers = httpx.get(gateway.url + path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Server" not in headers


def test_an_upload_passes_and_a_large_form_does_not(gateway: Gateway) -> None:
    body = b"x" * 11_000_000
    sent = httpx.put(f"{gateway.url}/api/v1/frames", content=body)
    assert sent.json()["bytes"] == len(body)
    refused = httpx.post(f"{gateway.url}/api/v1/targets", content=body)
    assert refused.status_code == 413
    assert refused.json()["status"] == 413


def test_events_arrive_one_by_one(gateway: Gateway) -> None:
    with httpx.stream("GET", f"{gateway.url}/stream", timeout=15) as answer:
        lines = answer.iter_lines()
        assert next(line for line in lines if line) == "data: one"
        Echo.may_end.set()
        assert next(line for line in lines if line) == "data: two"


def test_a_service_that_is_down_is_said_to_be_and_others_go_on(
    gateway: Gateway,
) -> None:
    server = gateway.servers["harvester"]
    server.shutdown()
    server.server_close()
    answer = httpx.get(f"{gateway.url}/api/v1/sources", timeout=30)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "unavailable"
    assert httpx.get(f"{gateway.url}/api/v1/targets").status_code == 200


def _raw(gateway: Gateway, path: str) -> tuple[int, bytes]:
    """Ask for a path exactly as written, which httpx would tidy up."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
