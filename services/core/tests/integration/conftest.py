"""Core in one process, on a real PostgreSQL, without a network."""

import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select

from bhtom_contracts.base import Payload
from bhtom_core.main import SERVICE
from bhtom_core.people import tokens, users
from bhtom_core.people.domain import NewPerson
from bhtom_core.schema import infra
from bhtom_core.settings import CoreSettings
from bhtom_runtime.auth import INTERNAL_HEADER
from bhtom_runtime.migrations.commands import upgrade
from bhtom_runtime.run import build_application, open_context
from bhtom_runtime.service import Context, Job, Parts
from bhtom_runtime.testing import deliver

PUBLIC_URL = "http://bhtom.test"
INTERNAL_SECRET = "internal-test-secret"
PASSWORD = "a good password"


@dataclass(frozen=True)
class Person:
    """Somebody with an account and a token."""

    user_id: int
    username: str
    token: str


@dataclass
class Core:
    """Core and ways to talk to it."""

    context: Context
    parts: Parts
    app: FastAPI
    password_hash: str
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def database(self) -> Any:
        return self.context.database

    def number(self) -> int:
        """A number that nobody used before in this module."""
        return next(self._numbers)

    async def person(
        self, name: str = "", *, admin: bool = False, scopes: str = ""
    ) -> Person:
        """Somebody new."""
        username = f"{name or 'person'}{self.number()}"
        new = NewPerson(username, PASSWORD, is_admin=admin)
        async with self.database.unit_of_work() as unit:
            user = await users.create_user(unit, new, self.password_hash)
            if not scopes:
                token = await tokens.issue_for_script(unit, user)
            else:
                _, token = await tokens.issue(
                    unit, user.user_id, "t", scopes.split(), tokens.TOKEN_LIFE
                )
        return Person(user.user_id, username, token)

    def client(self, person: Person | None = None, **headers: str) -> Any:
        """An HTTP client that speaks for somebody."""
        if person is not None:
            headers["Authorization"] = f"Token {person.token}"
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, client=("10.1.2.3", 1)),
            base_url=PUBLIC_URL,
            headers=headers,
        )

    def internal(self) -> Any:
        """An HTTP client that is another service."""
        return self.client(None, **{INTERNAL_HEADER: INTERNAL_SECRET})

    async def target(self, person: Person, **fields: Any) -> dict[str, Any]:
        """A new target, far from all others."""
        number = self.number()
        body = {
            "name": f"Target {number} x",
            "ra": (number * 0.37) % 360,
            "dec": ((number * 7.7) % 170) - 85,
            **fields,
        }
        async with self.client(person) as client:
            response = await client.post("/api/v1/targets", json=body)
        assert response.status_code == 201, response.text
        found: dict[str, Any] = response.json()
        return found

    async def handle(self, *payloads: Payload, trace_id: str = "ab" * 16) -> None:
        """Apply events as one micro-batch of the consumer would."""
        await deliver(
            self.database,
            self.parts.subscriptions,
            *payloads,
            traceparent=f"00-{trace_id}-{'cd' * 8}-01",
        )

    async def events(
        self, topic: str, key: object = None, since: int = 0
    ) -> list[dict[str, Any]]:
        """The bodies of a topic's events in the outbox, oldest first."""
        table = infra.outbox
        statement = select(table).where(table.c.topic == topic, table.c.id > since)
        if key is not None:
            statement = statement.where(table.c.key == str(key))
        async with self.database.read() as connection:
            rows = (await connection.execute(statement.order_by(table.c.id))).all()
        return [orjson.loads(row.body) for row in rows]

    async def answers(self, product: int) -> list[dict[str, Any]]:
        """What upload was told about a data product."""
        return await self.events("photometry.recorded", product)

    async def light_curve(
        self, target_id: int, person: Person | None = None, **params: Any
    ) -> dict[str, Any]:
        """A target's light curve as somebody sees it."""
        async with self.client(person) as client:
            path = f"/api/v1/targets/{target_id}/light-curve"
            response = await client.get(path, params=params)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    async def last_event(self) -> int:
        """The id of the newest event in the outbox."""
        async with self.database.read() as connection:
            statement = select(infra.outbox.c.id).order_by(infra.outbox.c.id.desc())
            return await connection.scalar(statement.limit(1)) or 0

    async def run_jobs(self) -> list[str]:
        """Run every job that waits, as a worker would; gives their kinds."""
        kinds = {kind.name: kind for kind in self.parts.job_kinds}
        jobs = infra.jobs
        done = []
        while True:
            statement = select(jobs).where(jobs.c.state == "ready").order_by(jobs.c.id)
            async with self.database.read() as connection:
                row = (await connection.execute(statement.limit(1))).one_or_none()
            if row is None:
                return done
            await self._run_job(kinds[row.kind], row)
            done.append(row.kind)

    async def _run_job(self, kind: Any, row: Any) -> None:
        job = Job(row.id, row.kind, row.payload, 1, 5, row.fair_key, row.traceparent)
        effect = await kind.run(job)
        async with self.database.unit_of_work() as unit:
            if effect is not None:
                await effect(unit)
            await unit.execute(
                infra.jobs.update()
                .where(infra.jobs.c.id == row.id)
                .values(state="done")
            )


@pytest.fixture(scope="module")
def core_settings(
    service_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> CoreSettings:
    """Core's settings for a fresh and migrated database."""
    url = service_database("core")
    upgrade(SERVICE.package, url)
    folder: Path = tmp_path_factory.mktemp("objects")
    return CoreSettings(
        DATABASE_URL=url,
        object_store=folder,
        public_url=PUBLIC_URL,
        internal_secret=SecretStr(INTERNAL_SECRET),
        sign_in_attempts=4,
        sign_in_window_s=60,
    )


@pytest.fixture(scope="module")
async def core(core_settings: CoreSettings) -> AsyncIterator[Core]:
    """Core."""
    from bhtom_core.people.passwords import Passwords

    async with open_context(SERVICE, core_settings) as context:
        parts = SERVICE.build(context)
        app = build_application(SERVICE, context, parts)
        yield Core(context, parts, app, await Passwords().hash(PASSWORD))
