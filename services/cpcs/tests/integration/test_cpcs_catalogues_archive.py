"""The conversation with an archive, held with a small one on this machine."""

import gc
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bhtom_cpcs.reference_catalogues.fetching import archive
from bhtom_cpcs.reference_catalogues.fetching.archive import ask_archive
from bhtom_cpcs.reference_catalogues.manifest import CatalogueError

pytest.importorskip("pyvo", reason="the extra bhtom-cpcs[fetch] is not installed")

JOB = """<?xml version="1.0"?>
<uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0"
  xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1">
  <uws:jobId>1</uws:jobId><uws:phase>{phase}</uws:phase>
  <uws:parameters/>
  <uws:results><uws:result id="result" xlink:href="{base}/async/1/results/result"/>
  </uws:results>{error}
</uws:job>"""
ERROR = """<uws:errorSummary type="fatal" hasDetail="false">
  <uws:message>Table is not there</uws:message></uws:errorSummary>"""


class Tap(BaseHTTPRequestHandler):
    """As much of TAP as a job needs."""

    server: Any

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.server.said.append((self.path, self.rfile.read(length).decode()))
        self.send_response(303)
        self.send_header("Location", f"{self.server.base}/async/1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.server.agents.add(self.headers["User-Agent"])
        if self.path.endswith("/results/result"):
            self._send(self.server.answer, self.server.status)
            return
        error = ERROR if self.server.phase == "ERROR" else ""
        job = JOB.format(phase=self.server.phase, base=self.server.base, error=error)
        self._send(job.encode())

    def do_DELETE(self) -> None:
        self.server.said.append((self.path, "deleted"))
        self._send(b"")

    def _send(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


@pytest.fixture
def tap() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Tap)
    server.base = f"http://127.0.0.1:{server.server_port}/tap"
    server.said, server.agents = [], set()
    server.phase, server.answer, server.status = "COMPLETED", b"<VOTABLE/>", 200
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
    gc.collect()


# pyvo leaves the answers to its polls, and their sockets, to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


def test_a_job_is_made_waited_for_read_and_removed(tap: Any, tmp_path: Path) -> None:
    ask_archive(tap.base, "SELECT TOP 6 ra FROM stars", 5, tmp_path / "a.vot")
    assert (tmp_path / "a.vot").read_bytes() == b"<VOTABLE/>"
    made = tap.said[0]
    assert made[0] == "/tap/async"
    assert "MAXREC=6" in made[1]
    assert "SELECT+TOP+6" in made[1]
    assert ("/tap/async/1/phase", "PHASE=RUN") in tap.said
    assert tap.said[-1] == ("/tap/async/1", "deleted")
    assert tap.agents == {"bhtom-cpcs"}


def test_what_goes_wrong_is_said(
    tap: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = tmp_path / "a.vot"
    tap.phase = "ERROR"
    with pytest.raises(CatalogueError, match="Table is not there"):
        ask_archive(tap.base, "SELECT", 5, answer)
    tap.phase, tap.status = "COMPLETED", 503
    with pytest.raises(CatalogueError, match="503"):
        ask_archive(tap.base, "SELECT", 5, answer)
    tap.status = 200
    monkeypatch.setattr(archive, "_MOST_BYTES", 4)
    with pytest.raises(CatalogueError, match="too long"):
        ask_archive(tap.base, "SELECT", 5, answer)
    tap.phase = "EXECUTING"
    monkeypatch.setattr(archive, "_JOB_TIMEOUT_S", 0.0)
    with pytest.raises(CatalogueError, match="no answer in 0 s"):
        ask_archive(tap.base, "SELECT", 5, answer)
    assert tap.said[-1][1] == "deleted"


def test_nobody_there_is_said(tmp_path: Path) -> None:
    # the discard port: refused at once
    with pytest.raises(CatalogueError, match="did not answer"):
        ask_archive("http://127.0.0.1:9/tap", "SELECT", 5, tmp_path / "a.vot")
