"""What a service is made of; its `main.py` fills this in and does nothing else."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from fastapi import APIRouter

from bhtom_contracts.base import Payload
from bhtom_contracts.envelope import Envelope
from bhtom_runtime.auth import Authenticator, TokenSource
from bhtom_runtime.database import Database
from bhtom_runtime.notifications import Notifications
from bhtom_runtime.object_store import ObjectStore
from bhtom_runtime.process_pool import ProcessPool
from bhtom_runtime.settings import ServiceSettings
from bhtom_runtime.tables import Infrastructure
from bhtom_runtime.unit_of_work import UnitOfWork

Role = Literal["serve", "relay", "consume", "work"]
ROLES: tuple[Role, ...] = ("serve", "relay", "consume", "work")


@dataclass(frozen=True, slots=True)
class Received:
    """An event as a handler gets it."""

    envelope: Envelope
    payload: Payload


EventHandler = Callable[[UnitOfWork, Received], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """One payload class and the handler that records it, in milliseconds."""

    payload: type[Payload]
    handle: EventHandler


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job: `attempt` fences its completion."""

    id: int
    kind: str
    payload: Mapping[str, Any]
    attempt: int
    max_attempts: int
    fair_key: str
    traceparent: str | None


Effect = Callable[[UnitOfWork], Awaitable[None]]
"""Writes a job's result, in the transaction that completes the job."""

JobHandler = Callable[[Job], Awaitable[Effect | None]]
"""Does the slow part outside any transaction, and returns its effect."""

DeadJobHandler = Callable[[UnitOfWork, Job, str], Awaitable[None]]
"""Says what a job's end without success means, in the transaction that buries it."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job and how it is run."""

    name: str
    run: JobHandler
    on_dead: DeadJobHandler | None = None
    queue: str = "default"
    timeout_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Cron:
    """A job that is enqueued at an interval, once in the whole cluster."""

    name: str
    every: timedelta
    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `concurrent` running jobs and `per_second` starts for a limit key."""

    key: str
    concurrent: int
    per_second: float


HealthCheck = Callable[[], Awaitable[str | None]]
"""None when well, else a sentence that says what is wrong."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the runtime gives to a service's parts."""

    settings: ServiceSettings
    database: Database
    auth: Authenticator
    objects: ObjectStore
    notifications: Notifications
    pool: ProcessPool


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service gives to the runtime."""

    routers: Sequence[APIRouter] = ()
    subscriptions: Sequence[Subscription] = ()
    job_kinds: Sequence[JobKind] = ()
    crons: Sequence[Cron] = ()
    rate_limits: Sequence[RateLimit] = ()
    health_checks: Mapping[str, HealthCheck] = field(default_factory=dict)
    lifespans: Sequence[Callable[[], AbstractAsyncContextManager[None]]] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its name, package, settings, tables and parts.

    `package` holds the folder `migrations`; `token_source` is given only by the
    owner of the tokens, the others keep a replica.
    """

    name: str
    package: str
    settings: type[ServiceSettings]
    infrastructure: Infrastructure
    build: Callable[[Context], Parts]
    token_source: Callable[[Database], TokenSource] | None = None
