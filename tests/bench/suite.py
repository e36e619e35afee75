"""Figures of the running suite: latency, the gateway's share, and idle memory."""

import io
import json
import statistics
import tempfile
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import numpy as np
import psutil
from astropy.io import fits

from bhtom_local.api_client import ApiClient
from bhtom_local.stack import Stack
from bhtom_local.testing import temporary_stack
from tests.bench.figures import Figure
from tests.bench.uploads import Server, plain_receiver, send_plain, send_put
from tests.field import CATALOGUE, Field, import_field

COMMAND: Final = "make bench (tests/bench/suite.py)"
LATENCY_FRAMES: Final = 40
BODY_BYTES: Final = 64 * 1024 * 1024
UPLOADS: Final = 5
ANSWER_WITHIN_S: Final = 120.0


def measure() -> list[Figure]:
    """Start a suite of its own, measure it, and stop it."""
    environment = {"BHTOM_GAIA_ALERTS_URL": "http://127.0.0.1:9/alerts"}
    with temporary_stack(environment=environment) as stack:
        memory = _memory(stack)
        username, password = stack.plan.administrator
        with (
            tempfile.TemporaryDirectory() as folder,
            ApiClient.signed_in(stack.plan.public_url, username, password) as client,
        ):
            field = import_field(stack, client, Path(folder))
            latency = _latency(client, field)
            gateway = _gateway(stack, client, field)
    return [*latency, *gateway, *memory]


def _latency(client: ApiClient, field: Field) -> list[Figure]:
    """Upload to point, one frame in flight, without the reduction's own time."""
    frames = list(field.frames(LATENCY_FRAMES + 3, first=500))
    rest: list[float] = []
    whole: list[float] = []
    with _light_curve_events(client, field.target["target_id"]) as events:
        for number, frame in enumerate(frames):
            started = time.perf_counter()
            product = field.upload(client, frame)
            arrived = events.get(timeout=ANSWER_WITHIN_S)
            seconds = arrived - started
            client.wait_for([product["data_product_id"]])
            _drain(events)
            if number >= 3:  # The first ones start the worker's child process.
                whole.append(seconds)
                rest.append(seconds - _reduction_time(client, product))
    cut = statistics.quantiles(rest, n=20)
    reduction_ms = 1000 * (statistics.median(whole) - statistics.median(rest))
    return [
        Figure(
            "Upload to point without the reduction, p50",
            "<= 150 ms",
            f"{1000 * statistics.median(rest):.0f} ms",
            f"reduction itself {reduction_ms:.0f} ms, {len(rest)} frames one by one",
            COMMAND,
            met=statistics.median(rest) <= 0.15,
        ),
        Figure(
            "Upload to point without the reduction, p95",
            "as seen",
            f"{1000 * cut[18]:.0f} ms",
            f"whole way p50 {1000 * statistics.median(whole):.0f} ms",
            COMMAND,
        ),
    ]


def _reduction_time(client: ApiClient, product: Any) -> float:
    number = product["data_product_id"]
    found = client.get("/api/v1/calibrations", data_product_id=number)["items"]
    return float(found[-1]["reduction_time"])


def _drain(events: "Queue[float]") -> None:
    while True:
        try:
            events.get_nowait()
        except Empty:
            return


@contextmanager
def _light_curve_events(client: ApiClient, target_id: int) -> Iterator["Queue[float]"]:
    """Arrival times of the target's live updates."""
    arrived: Queue[float] = Queue()
    opened, closing = threading.Event(), threading.Event()

    def listen() -> None:
        path = f"/api/v1/targets/{target_id}/events"
        timeout = httpx.Timeout(10.0, read=None)
        # The suite ends while this still listens.
        with (
            suppress(httpx.TransportError),
            client.http.stream("GET", path, timeout=timeout) as answer,
        ):
            opened.set()
            for line in answer.iter_lines():
                if closing.is_set():
                    return
                if line.startswith("data:") and "version" in line:
                    json.loads(line.removeprefix("data:"))
                    arrived.put(time.perf_counter())

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert opened.wait(ANSWER_WITHIN_S)
    # What the stream says first is how things are now, not news.
    time.sleep(1.0)
    _drain(arrived)
    try:
        yield arrived
    finally:
        closing.set()


def _gateway(stack: Stack, client: ApiClient, field: Field) -> list[Figure]:
    """Uploads through the gateway, directly, and from a plain socket to a file."""
    head = field.frame(800).fits_bytes
    ports = {
        "direct": stack.plan.ports["upload"],
        "gateway": stack.plan.ports["gateway"],
    }
    times: dict[str, list[float]] = defaultdict(list)
    # Nothing else shall run: these frames are noise, and 64 MB of it each.
    stack.stop_program("cpcs-work")
    with (
        tempfile.TemporaryDirectory(dir=stack.places.state) as folder,
        plain_receiver(Path(folder) / "floor", flush=False) as floor,
    ):
        for number in range(UPLOADS + 1):
            body = _padded(head, f"floor-{number}")
            started = time.perf_counter()
            send_plain(floor, body)
            if number:
                times["floor"].append(time.perf_counter() - started)
            for name, port in ports.items():
                server = _door(client, field, port, f"{name}_{number}.fits")
                body = _padded(head, f"{name}-{number}")
                started = time.perf_counter()
                send_put(server, body)
                if number:
                    times[name].append(time.perf_counter() - started)
    middle = {name: statistics.median(values) for name, values in times.items()}
    rate = {
        name: f"{BODY_BYTES / 1e6 / seconds:.0f} MB/s"
        for name, seconds in middle.items()
    }
    return [
        Figure(
            "Upload of 64 MB through the gateway, ratio to socket to file",
            "as seen",
            f"{middle['floor'] / middle['gateway']:.2f} ({rate['gateway']})",
            f"socket to file {rate['floor']}",
            COMMAND,
        ),
        Figure(
            "Upload of 64 MB through the gateway, ratio to direct",
            "as seen",
            f"{middle['direct'] / middle['gateway']:.2f} ({rate['gateway']})",
            f"direct {rate['direct']}",
            COMMAND,
        ),
    ]


def _door(client: ApiClient, field: Field, port: int, file_name: str) -> Server:
    query = {
        "target": field.target["name"],
        "camera": field.camera["oname"],
        "file_name": file_name,
        "filter": f"{CATALOGUE}/any",
        "dry_run": "true",
    }
    token = client.http.headers["Authorization"].removeprefix("Token ")
    return Server(port=port, token=token, query=urlencode(query))


def _padded(content: bytes, salt: str) -> bytes:
    """The frame's header over 64 MB of noise."""
    side = 4096
    generator = np.random.default_rng(zlib.crc32(salt.encode()))
    with fits.open(io.BytesIO(content)) as file:
        noise = generator.integers(0, 60000, (side, side), dtype=np.uint16)
        file[0].data = noise.astype(np.float32)[:, : BODY_BYTES // side // 4]
        out = io.BytesIO()
        file.writeto(out)
    return out.getvalue()


def _memory(stack: Stack) -> list[Figure]:
    """What the idle suite keeps in memory, each part with its children."""
    parts: dict[str, int] = {}
    for name, state in stack.states().items():
        if not state.pid:
            continue
        process = psutil.Process(state.pid)
        family = [process, *process.children(recursive=True)]
        # Shared pages count once for each process that maps them, in parts.
        parts[name] = sum(_proportional(one) for one in family)
    total = sum(parts.values())
    listed = ", ".join(
        f"{name} {size / 2**20:.0f}" for name, size in sorted(parts.items())
    )
    return [
        Figure(
            "Memory of the idle suite (PSS)",
            "<= 1.5 GB",
            f"{total / 1e9:.2f} GB",
            f"MiB: {listed}",
            COMMAND,
            met=total <= 1.5e9,
        )
    ]


def _proportional(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)


if __name__ == "__main__":
    for figure in measure():
        print(figure)
