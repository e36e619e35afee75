"""Helps tests of this service: small frames, a stand-in for core, an app to call."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, HTTPException
from sqlalchemy import select

from bhtom_contracts.base import Payload
from bhtom_contracts.envelope import Envelope
from bhtom_contracts.events.cameras import CameraChanged, CameraPin, Site
from bhtom_contracts.events.identities import IdentityChanged, TokenChanged
from bhtom_contracts.events.targets import TargetChanged, TargetPosition
from bhtom_contracts.registry import BY_NAME
from bhtom_runtime.auth import hash_token
from bhtom_runtime.identity_replicas import keep_identity, keep_token
from bhtom_runtime.service import Context, Job, Parts, Received


def _card(name: str, value: object) -> bytes:
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        text = f"'{value:<8}'"
    else:
        text = f"{value:>20}"
    return f"{name:<8}= {text}".ljust(80).encode("latin-1")


def header(cards: Mapping[str, object]) -> bytes:
    """A padded header of these cards."""
    body = b"".join(_card(name, value) for name, value in cards.items())
    body += b"END".ljust(80)
    return body + b" " * (-len(body) % 2880)


def frame(
    *,
    shape: tuple[int, ...] = (32, 24),
    extension: bool = False,
    seed: int = 0,
    **cards: object,
) -> bytes:
    """An image in the first HDU or in an extension; `DATE_OBS` writes `DATE-OBS`."""
    named = {name.replace("_", "-"): value for name, value in cards.items()}
    if "DATE-OBS" not in named:
        named["DATE-OBS"] = "2021-01-18T11:26:32.228"
    axes = {f"NAXIS{axis + 1}": side for axis, side in enumerate(shape)}
    image = {"BITPIX": 16, "NAXIS": len(shape), **axes}
    size = 2
    for side in shape:
        size *= side
    pattern = bytes((seed + index) % 251 for index in range(251))
    data = (pattern * (size // 251 + 1))[:size]
    data += b"\0" * (-size % 2880)
    given = {name: value for name, value in named.items() if value is not None}
    if not extension:
        return header({"SIMPLE": True, **image, **given}) + data
    primary = header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 0, **given})
    return (
        primary
        + header({"XTENSION": "IMAGE", **image, "PCOUNT": 0, "GCOUNT": 1})
        + data
    )


NOW = datetime(2026, 11, 1, tzinfo=UTC)
_numbers = count(1)


def new_id() -> int:
    """An id that no other test of this process has."""
    return next(_numbers)


@dataclass
class FakeCore:
    """Answers `/internal` from memory and remembers what it was asked."""

    url: str
    snapshots: dict[str, Payload] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """A server on a free port of the loopback address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()  # who comes before the server is up waits for it
    config = uvicorn.Config(app, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


@asynccontextmanager
async def fake_core() -> AsyncIterator[FakeCore]:
    """A core that knows what a test tells it."""
    app = FastAPI()
    fake = FakeCore("")

    @app.get("/internal/{rest:path}")
    async def internal(
        rest: str, name: str = "", oname: str = "", username: str = ""
    ) -> dict[str, Any]:
        question = rest + (name or oname or username)
        fake.asked.append(question)
        if question not in fake.snapshots:
            raise HTTPException(404)
        snapshot = fake.snapshots[question]
        return {"epoch": 1, "snapshot": snapshot.model_dump(mode="json")}

    async with serving(app) as url:
        fake.url = url
        yield fake


def make_target(target_id: int, **changes: Any) -> TargetChanged:
    """A target's snapshot."""
    given: dict[str, Any] = {
        "target_id": target_id,
        "name": f"Target{target_id}",
        "aggregate_version": 1,
        "position": TargetPosition(ra=65.0, dec=-54.9),
        "owner_id": 1,
        "created_at": NOW,
        "modified_at": NOW,
    }
    return TargetChanged(**(given | changes))


def make_camera(camera_id: int, **changes: Any) -> CameraChanged:
    """A camera's snapshot."""
    pin = CameraPin(
        camera_id=camera_id,
        camera_version=1,
        oname=f"Obs_Cam{camera_id}",
        observatory_name="Obs",
        site=Site(longitude=149.0, latitude=-31.0, altitude=1100.0),
    )
    given: dict[str, Any] = {
        "camera": pin,
        "aggregate_version": 1,
        "observatory_id": 1,
        "camera_name": f"Cam{camera_id}",
        "owner_id": 1,
        "approval": "approved",
        "active": True,
        "created_at": NOW,
        "modified_at": NOW,
    }
    return CameraChanged(**(given | changes))


@dataclass
class Caller:
    """A user with a token."""

    user_id: int
    username: str
    headers: dict[str, str]


@dataclass
class UploadApp:
    """The service under test, with shortcuts for what surrounds it."""

    context: Context
    parts: Parts
    client: httpx.AsyncClient
    core: FakeCore
    store: Path

    async def add_user(
        self, *, is_admin: bool = False, scopes: tuple[str, ...] | None = None
    ) -> Caller:
        """A user who is known here with a token of these scopes, by default of all."""
        user_id = new_id()
        token = uuid.uuid4().hex + uuid.uuid4().hex[:8]
        username = f"user{user_id}"
        identity = IdentityChanged(
            user_id=user_id,
            username=username,
            is_active=True,
            is_admin=is_admin,
            aggregate_version=1,
        )
        usual = ("read", "write", "upload", *(("admin",) if is_admin else ()))
        changed = TokenChanged(
            token_id=new_id(),
            token_hash=hash_token(token),
            user_id=user_id,
            scopes=usual if scopes is None else scopes,
            expires_at=datetime.now(UTC) + timedelta(days=1),
            aggregate_version=1,
        )
        tables = self.context.database.infrastructure
        async with self.context.database.unit_of_work() as unit:
            await keep_identity(unit, tables, 1, identity)
            await keep_token(unit, tables, 1, changed)
        return Caller(user_id, username, {"Authorization": f"Token {token}"})

    async def deactivate(self, caller: Caller) -> None:
        """Let a user be known as one who may not come in any more."""
        identity = IdentityChanged(
            user_id=caller.user_id,
            username=caller.username,
            is_active=False,
            is_admin=False,
            aggregate_version=2,
        )
        tables = self.context.database.infrastructure
        async with self.context.database.unit_of_work() as unit:
            await keep_identity(unit, tables, 1, identity)

    async def handle(self, payload: Payload, epoch: int = 1) -> None:
        """Take an event as the consumer would."""
        envelope = Envelope(
            id=uuid.uuid4(),
            type="test",
            source="test",
            subject="test",
            time=datetime.now(UTC),
            schema_version=1,
            epoch=epoch,
        )
        (subscription,) = (
            one for one in self.parts.subscriptions if one.payload is type(payload)
        )
        async with self.context.database.unit_of_work() as unit:
            await subscription.handle(unit, Received(envelope, payload))

    async def add_target(self, **changes: Any) -> TargetChanged:
        """A target that is known here."""
        target = make_target(new_id(), **changes)
        await self.handle(target)
        return target

    async def add_camera(self, **changes: Any) -> CameraChanged:
        """A camera that is known here."""
        camera = make_camera(new_id(), **changes)
        await self.handle(camera)
        return camera

    async def put(
        self, caller: Caller | None, body: bytes, **query: Any
    ) -> httpx.Response:
        """Upload a frame by PUT."""
        return await self.client.put(
            "/api/v1/frames",
            params=query,
            content=body,
            headers=caller.headers if caller else {},
        )

    async def get(self, caller: Caller, path: str, **query: Any) -> httpx.Response:
        """Read."""
        return await self.client.get(path, params=query, headers=caller.headers)

    async def events(self, data_product_id: int, topic: str = "") -> list[Any]:
        """What the outbox holds about a product, in order."""
        outbox = self.context.database.infrastructure.outbox
        statement = (
            select(outbox.c.topic, outbox.c.body, outbox.c.traceparent)
            .where(outbox.c.key == str(data_product_id))
            .order_by(outbox.c.id)
        )
        async with self.context.database.read() as connection:
            rows = (await connection.execute(statement)).all()
        return [
            BY_NAME[row.topic].payload.model_validate_json(row.body)
            for row in rows
            if topic in ("", row.topic)
        ]

    async def run_job(self, kind: str) -> None:
        """Run a job with its effect, as a worker would."""
        (found,) = (one for one in self.parts.job_kinds if one.name == kind)
        effect = await found.run(Job(1, kind, {}, 1, 5, "", None))
        if effect is not None:
            async with self.context.database.unit_of_work() as unit:
                await effect(unit)

    def temporary_files(self) -> list[Path]:
        """What a broken upload would have left behind."""
        return list(self.store.rglob("*.part"))

    def blobs(self) -> list[Path]:
        """The files in the store."""
        return [path for path in self.store.rglob("*") if len(path.name) == 64]
