"""How fast frames come in, beside a bare socket to a file, and at what memory."""

import asyncio
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import httpx
import psutil

from bhtom_local.provision import service_url
from bhtom_local.testing import TEST_PASSWORDS, PostgresServer, temporary_stack
from bhtom_runtime.migrations.commands import upgrade
from bhtom_runtime.run import open_context
from bhtom_upload.main import SERVICE
from bhtom_upload.settings import UploadSettings
from bhtom_upload.testing import (
    FakeCore,
    UploadApp,
    header,
    make_camera,
    make_target,
)
from tests.bench.figures import Figure

COMMAND: Final = "make bench (tests/bench/uploads.py)"
SIDE: Final = 5792  # 64 MiB of 16-bit pixels, a little more
REPEATS: Final = 9
TOGETHER: Final = 20
_PIECE: Final = 256 * 1024
_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Server:
    """An upload service, or a gateway before one, and what a request needs."""

    port: int
    token: str
    query: str
    fields: dict[str, str] = field(default_factory=dict)
    process: psutil.Process | None = None


def measure() -> list[Figure]:
    """Throughput of both doors against the floor, then memory."""
    with (
        tempfile.TemporaryDirectory() as folder,
        temporary_stack(parts={"postgres"}) as stack,
        _service(PostgresServer(stack.plan.admin_url), Path(folder)) as server,
        plain_receiver(Path(folder) / "floor", flush=False) as floor,
        plain_receiver(Path(folder) / "flushed", flush=True) as flushed,
    ):
        senders: dict[str, Callable[[bytes], None]] = {
            "floor": lambda body: send_plain(floor, body),
            "flushed": lambda body: send_plain(flushed, body),
            "put": lambda body: send_put(server, body),
            "form": lambda body: _send_form(server, body),
        }
        times = _alternate(senders)
        memory = _memory(server)
    return [*_throughput(times), memory]


def _alternate(senders: dict[str, Callable[[bytes], None]]) -> dict[str, list[float]]:
    """Time each sender in turn; the first round only warms up."""
    times: dict[str, list[float]] = defaultdict(list)
    pixels = os.urandom(_pixel_bytes())
    for number in range(REPEATS + 1):
        for position, (name, send) in enumerate(senders.items()):
            body = _frame(pixels, number * len(senders) + position)
            started = time.perf_counter()
            send(body)
            if number:
                times[name].append(time.perf_counter() - started)
    return times


def _throughput(times: dict[str, list[float]]) -> list[Figure]:
    """Each door against the bare floor, and against one that promises as much."""
    floors = {
        "floor": "socket to file",
        "flushed": "socket to file with fsync",
    }
    doors = {"put": "PUT", "form": "form"}
    return [
        Figure(
            f"Upload of 64 MB by {doors[door]}, ratio to {floors[floor]}",
            ">= 0.6" if (door, floor) == ("put", "floor") else "as seen",
            f"{_ratio(times, door, floor):.2f} ({_rate(times, door):.0f} MB/s; hashed, "
            "checked, fsynced, registered)",
            f"{floors[floor]} {_rate(times, floor):.0f} MB/s",
            COMMAND,
            met=_ratio(times, door, floor) >= 0.6
            if (door, floor) == ("put", "floor")
            else None,
        )
        for door in doors
        for floor in floors
    ]


def _ratio(times: dict[str, list[float]], door: str, floor: str) -> float:
    pairs = zip(times[floor], times[door], strict=True)
    return statistics.median(bare / ours for bare, ours in pairs)


def _rate(times: dict[str, list[float]], name: str) -> float:
    return _pixel_bytes() / 1e6 / statistics.median(times[name])


def _memory(server: Server) -> Figure:
    """What 20 uploads of 64 MB at once add to the service's memory."""
    pixels = os.urandom(_pixel_bytes())
    process = server.process
    assert process is not None
    before = process.memory_info().rss
    peak = before
    over = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.01):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(TOGETHER) as threads:
        doors = (send_put, _send_form)
        sent = [
            threads.submit(doors[number % 2], server, _frame(pixels, 1000 + number))
            for number in range(TOGETHER)
        ]
    over.set()
    watcher.join()
    for upload in sent:
        upload.result()
    return Figure(
        "Memory that 20 uploads of 64 MB at once add",
        "<= 60 MB",
        f"{(peak - before) / 1e6:.0f} MB",
        f"the service before: {before / 1e6:.0f} MB; half by PUT, half by form",
        COMMAND,
        met=peak - before <= 60e6,
    )


def _pixel_bytes() -> int:
    return SIDE * SIDE * 2


def _frame(pixels: bytes, serial: int) -> bytes:
    cards = {
        "SIMPLE": True,
        "BITPIX": 16,
        "NAXIS": 2,
        "NAXIS1": SIDE,
        "NAXIS2": SIDE,
        "DATE-OBS": "2021-01-18T11:26:32.228",
        "SERIAL": serial,
    }
    return header(cards) + pixels


# The same client for all: it must not be what is measured.


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=120)


def _send_all(connection: socket.socket, body: bytes) -> None:
    view = memoryview(body)
    for start in range(0, len(view), _PIECE):
        connection.sendall(view[start : start + _PIECE])


def send_plain(port: int, body: bytes) -> None:
    with _connected(port) as connection:
        connection.sendall(len(body).to_bytes(8, "big"))
        _send_all(connection, body)
        if connection.recv(1) != b"k":
            raise RuntimeError("The floor did not take the file.")


def send_put(server: Server, body: bytes) -> None:
    _request(server, f"PUT /api/v1/frames?{server.query}", "application/fits", [body])


def _send_form(server: Server, body: bytes) -> None:
    first = "".join(
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in server.fields.items()
    )
    first += (
        '--edge\r\nContent-Disposition: form-data; name="files"; '
        'filename="x.fits"\r\n\r\n'
    )
    pieces = [first.encode(), body, b"\r\n--edge--\r\n"]
    _request(server, "POST /upload/", "multipart/form-data; boundary=edge", pieces)


def _request(server: Server, what: str, kind: str, pieces: list[bytes]) -> None:
    length = sum(map(len, pieces))
    head = (
        f"{what} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Token {server.token}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    )
    with _connected(server.port) as connection:
        connection.sendall(head.encode())
        for piece in pieces:
            _send_all(connection, piece)
        answer = connection.recv(65536)
    if not answer.startswith((b"HTTP/1.1 201", b"HTTP/1.1 200")):
        raise RuntimeError(f"The upload was not taken: {answer[:500]!r}")


@contextmanager
def plain_receiver(path: Path, *, flush: bool) -> Iterator[int]:
    """A process that writes what a socket gives to a file, and nothing more."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_receive, args=(path, flush, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _receive(path: Path, flush: bool, port: Connection) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port.send(listener.getsockname()[1])
        while True:
            connection, _ = listener.accept()
            path.unlink(missing_ok=True)  # a new file each time, as the store has it
            with connection, path.open("xb", buffering=0) as file:
                left = int.from_bytes(connection.recv(8), "big")
                buffer = memoryview(bytearray(_PIECE))
                while left > 0:
                    size = connection.recv_into(buffer)
                    file.write(buffer[:size])
                    left -= size
                if flush:
                    os.fsync(file.fileno())
                connection.sendall(b"k")


@contextmanager
def _service(postgres: PostgresServer, folder: Path) -> Iterator[Server]:
    """The upload service's own program, serving, with one known user."""
    url = service_url(postgres.create_database(), "upload", TEST_PASSWORDS["upload"])
    upgrade(SERVICE.package, url)
    settings = {"DATABASE_URL": url, "object_store": folder / "store"}
    token, query, fields = asyncio.run(
        _populate(UploadSettings.model_validate(settings))
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        name: value for name, value in os.environ.items() if "BHTOM_" not in name
    } | {
        "DATABASE_URL": url,
        "BHTOM_OBJECT_STORE": str(folder / "store"),
        "BHTOM_PORT": str(port),
        "BHTOM_LOG_LEVEL": "warning",
    }
    program = [str(Path(sys.executable).with_name("bhtom-upload"))]
    process = subprocess.Popen([*program, "run", "--roles", "serve"], env=environment)
    try:
        _wait_until_ready(port)
        yield Server(port, token, query, fields, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait()


async def _populate(settings: UploadSettings) -> tuple[str, str, dict[str, str]]:
    """Make a user, a target and a camera known to the service."""
    async with (
        open_context(SERVICE, settings) as context,
        httpx.AsyncClient() as client,
    ):
        folder = settings.object_store or Path()
        parts = SERVICE.build(context)
        app = UploadApp(context, parts, client, FakeCore(""), folder)
        caller = await app.add_user()
        await app.handle(make_target(1))
        await app.handle(make_camera(1))
    fields = {
        "target": "Target1",
        "observatory": "Obs_Cam1",
        "data_product_type": "fits_file",
        "dry_run": "True",
    }
    token = caller.headers["Authorization"].removeprefix("Token ")
    return token, "target=Target1&camera=Obs_Cam1", fields


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/ready").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("The upload service did not become ready.")
