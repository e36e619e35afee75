"""Tests' way to drive the harvester: events by hand, and an archive on loopback."""

import json
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import httpx
from sqlalchemy import select, update

from bhtom_contracts.events.targets import TargetChanged, TargetPosition
from bhtom_harvester.harvests.jobs import SCHEDULE, Harvesting
from bhtom_harvester.harvests.store import harvest_of
from bhtom_harvester.sources.gaia_alerts import GaiaAlerts
from bhtom_harvester.sources.interface import Source
from bhtom_harvester.sources.polite_client import PoliteClient
from bhtom_harvester.tables import harvests
from bhtom_runtime.jobs.claim import Claimant, claim
from bhtom_runtime.jobs.runner import JobRunner
from bhtom_runtime.service import Context, Effect, Job, JobKind, Parts
from bhtom_runtime.testing import TOKENS, USERS, deliver

SOURCE: Final = "gaia_alerts"
BEGIN: Final = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the archive answers."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Archive:
    """An archive on loopback with recorded answers, which notes what it is asked."""

    def __init__(self, replies: Mapping[str, Reply]) -> None:
        self.replies = dict(replies)
        self.first: list[Reply] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answers = threading.Event()
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}/alerts"

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [path for path, _ in self.asked]

    def reply(self, path: str, headers: dict[str, str]) -> Reply:
        """The answer to a request; those in `first` come before all others."""
        self.asked.append((path, headers))
        self.answers.wait()
        if self.first:
            return self.first.pop(0)
        reply = self.replies.get(path, Reply(status=404))
        etag = reply.headers.get("ETag")
        if etag is not None and headers.get("if-none-match") == etag:
            return Reply(status=304, headers={"ETag": etag})
        return reply

    def open(self) -> None:
        """Answer, after a pause at the same address as before."""
        self.answers.set()
        handler = _handler_of(self)
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        """Answer no more: the port is closed."""
        self.answers.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
        self._server = self._thread = None


def _handler_of(archive: Archive) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = archive.reply(self.path.removeprefix("/alerts/"), headers)
            # A client may hang up when it has read enough.
            with suppress(ConnectionError):
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    return Handler


@dataclass
class Harvester:
    """The service under test, and what a test does with it."""

    context: Context
    parts: Parts
    client: httpx.AsyncClient
    archive: Archive

    @property
    def kinds(self) -> dict[str, JobKind]:
        """The service's job kinds by name."""
        return {kind.name: kind for kind in self.parts.job_kinds}

    def gaia(self, **options: Any) -> GaiaAlerts:
        """The source by itself, with other limits."""
        fetcher = PoliteClient(self.archive.url, self.context.database, **options)
        return GaiaAlerts(fetcher)

    def kinds_with(self, *sources: Source) -> dict[str, JobKind]:
        """The job kinds of a service that has these sources."""
        by_name = {source.name: source for source in sources}
        database = self.context.database
        found = Harvesting(database, by_name, timedelta(hours=24)).kinds()
        return {kind.name: kind for kind in found}

    async def schedule(self, kinds: Mapping[str, JobKind] | None = None) -> None:
        """Look once for what is due."""
        kind = (kinds or self.kinds)[SCHEDULE]
        job = Job(0, SCHEDULE, {}, 1, 1, "", None)
        await self.take_effect(await kind.run(job))

    async def deliver(self, payload: TargetChanged, epoch: int = 1) -> None:
        """Hand a target to its handler, as the consumer does."""
        database, subscriptions = self.context.database, self.parts.subscriptions
        await deliver(database, subscriptions, payload, epoch=epoch)

    async def work(self, kinds: Mapping[str, JobKind] | None = None) -> list[str]:
        """Run the jobs that are due, one after the other; how each of them ended."""
        chosen = kinds or self.kinds
        runner = JobRunner(self.context.database, chosen)
        return [await runner.run(job) for job in await self._claimed(chosen)]

    async def claimed(self) -> Job:
        """The one job that is due, as a worker has it."""
        (job,) = await self._claimed(self.kinds)
        return job

    async def _claimed(self, kinds: Mapping[str, JobKind]) -> Sequence[Job]:
        claimant = Claimant("test", tuple(kinds), {}, 60.0)
        async with self.context.database.unit_of_work() as unit:
            return (await claim(unit, claimant, "default", 1000)).jobs

    async def take_effect(self, effect: Effect | None) -> None:
        """Write what a job did."""
        assert effect is not None  # noqa: S101 - tests only
        async with self.context.database.unit_of_work() as unit:
            await effect(unit)

    async def events(self, target_id: int) -> list[dict[str, Any]]:
        """What was told of a target's photometry, in order."""
        outbox = self.context.database.infrastructure.outbox
        statement = (
            select(outbox.c.body)
            .where(
                outbox.c.topic == "photometry.harvested",
                outbox.c.key == str(target_id),
            )
            .order_by(outbox.c.id)
        )
        async with self.context.database.read() as connection:
            return [json.loads(body) for body in await connection.scalars(statement)]

    async def harvest(self, target_id: int, source: str = SOURCE) -> Any:
        """The row of a harvest."""
        async with self.context.database.read() as connection:
            return await harvest_of(connection, target_id, source)

    async def job_count(self, kind: str = "harvest") -> int:
        """How many jobs of a kind are not finished."""
        jobs = self.context.database.infrastructure.jobs
        statement = select(jobs.c.id).where(
            jobs.c.kind == kind, jobs.c.state.in_(("ready", "running"))
        )
        async with self.context.database.read() as connection:
            return len((await connection.execute(statement)).all())

    async def make_due(self, target_id: int) -> None:
        """Let the time of a target's next harvest come."""
        statement = update(harvests).where(harvests.c.target_id == target_id)
        async with self.context.database.unit_of_work() as unit:
            await unit.execute(statement.values(next_at=BEGIN))

    async def ask_now(self, target_id: int, who: str = "owner") -> httpx.Response:
        """Press the button."""
        return await self.client.post(
            "/api/v1/harvests",
            json={"target_id": target_id, "source": SOURCE},
            headers=headers(who),
        )

    async def source(self) -> dict[str, Any]:
        """What the API says of the source."""
        answer = await self.client.get("/api/v1/sources", headers=headers("other"))
        (item,) = answer.json()["items"]
        return dict(item)


def headers(who: str) -> dict[str, str]:
    """What a user's client sends."""
    return {"Authorization": f"Token {TOKENS[who]}"}


def target_snapshot(target_id: int, version: int = 1, **changes: Any) -> TargetChanged:
    """A target that is no alert, as core tells of it."""
    values: dict[str, Any] = {
        "aggregate_version": version,
        "target_id": target_id,
        "name": f"Star {target_id}",
        "position": TargetPosition(ra=20.0, dec=20.0),
        "owner_id": USERS["owner"],
        "created_at": BEGIN,
        "modified_at": BEGIN,
    }
    return TargetChanged(**(values | changes))
