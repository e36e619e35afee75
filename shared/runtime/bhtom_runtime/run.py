"""Runs a service in the roles asked for, until it is told to stop."""

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from bhtom_runtime.app import create_app
from bhtom_runtime.auth import Authenticator
from bhtom_runtime.consumer import EventConsumer
from bhtom_runtime.database import Database
from bhtom_runtime.health import Part
from bhtom_runtime.identity_replicas import ReplicatedTokens, identity_subscriptions
from bhtom_runtime.jobs.maintenance import maintenance_parts
from bhtom_runtime.jobs.worker import Worker
from bhtom_runtime.logs import configure_logs
from bhtom_runtime.migrations.commands import missing_migration
from bhtom_runtime.notifications import Notifications
from bhtom_runtime.object_store import LocalFolder
from bhtom_runtime.process_pool import ProcessPool
from bhtom_runtime.relay import Relay
from bhtom_runtime.service import Context, Parts, Role, Service
from bhtom_runtime.settings import ServiceSettings, SettingsError

_logger = structlog.get_logger(__name__)
SHUTDOWN_S = 8


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handlers: the process has one place for them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `run_service`."""
        yield


def build_context(service: Service, settings: ServiceSettings) -> Context:
    """The database, store and helpers of a process."""
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is missing: where is the database?")
    database = Database(
        str(settings.database_url),
        service.infrastructure,
        pool_size=settings.database_pool_size,
    )
    if settings.object_store is None:
        raise SettingsError("BHTOM_OBJECT_STORE is missing: where are files kept?")
    source = (
        service.token_source(database)
        if service.token_source is not None
        else ReplicatedTokens(database, settings)
    )
    return Context(
        settings=settings,
        database=database,
        auth=Authenticator(settings, source),
        objects=LocalFolder(settings.object_store),
        notifications=Notifications(database),
        pool=ProcessPool(settings.pool_processes),
    )


@asynccontextmanager
async def open_context(
    service: Service, settings: ServiceSettings
) -> AsyncIterator[Context]:
    """A context that is closed again: for commands, tests and `run_service`."""
    context = build_context(service, settings)
    try:
        yield context
    finally:
        await context.pool.close()
        await context.database.close()


def build_application(
    service: Service,
    context: Context,
    parts: Parts,
    *,
    serves: bool = True,
    loops: Mapping[str, Part] | None = None,
) -> FastAPI:
    """The HTTP of a process: routes if it serves, and the health of its parts."""
    return create_app(
        service.name,
        routers=parts.routers if serves else (),
        lifespans=parts.lifespans,
        health={**_health(service, context, parts, serves=serves), **(loops or {})},
    )


def _health(
    service: Service, context: Context, parts: Parts, *, serves: bool
) -> dict[str, Part]:
    async def database() -> str | None:
        return (
            None
            if await context.database.is_ready()
            else "The database does not answer."
        )

    async def migration() -> str | None:
        return await missing_migration(context.database, service.package)

    async def store() -> str | None:
        floor = context.settings.free_space_floor_bytes
        if await asyncio.to_thread(context.objects.free_bytes) < floor:
            return "The object store has less free space than the floor."
        return None

    found = {"database": Part(database), "migration": Part(migration)}
    if serves:
        found["object store"] = Part(store, required=False)
        for name, check in parts.health_checks.items():
            found[name] = Part(check, required=False)
    return found


class _Process:
    """One process of a service: its tasks and the order of their end."""

    def __init__(
        self, service: Service, context: Context, roles: frozenset[Role]
    ) -> None:
        self._service = service
        self._context = context
        self._roles = roles
        self._parts = service.build(context)
        self._health: dict[str, Part] = {}

    def _loops(self, stop: asyncio.Event) -> dict[str, Coroutine[Any, Any, None]]:
        context, settings = self._context, self._context.settings
        required = "serve" not in self._roles
        loops: dict[str, Coroutine[Any, Any, None]] = {
            "notifications": context.notifications.run(stop)
        }
        if "relay" in self._roles:
            relay = Relay(
                context.database, self._kafka(), source=f"bhtom/{self._service.name}"
            )
            loops["relay"] = relay.run(stop)
            self._watch("relay", relay, required)
        if "consume" in self._roles:
            consumer = EventConsumer(
                context.database,
                self._kafka(),
                group=f"bhtom-{self._service.name}",
                subscriptions=self._subscriptions(),
            )
            loops["consumer"] = consumer.run(stop)
            self._watch("consumer", consumer, required)
        if "work" in self._roles:
            kinds, crons = maintenance_parts(context.database)
            worker = Worker(
                context.database,
                kinds=[*self._parts.job_kinds, *kinds],
                crons=[*self._parts.crons, *crons],
                limits=self._parts.rate_limits,
                notifications=context.notifications,
                concurrency=settings.job_workers,
                lease_s=settings.job_lease_s,
            )
            loops["worker"] = worker.run(stop)
            self._watch("worker", worker, required)
        return loops

    def _watch(self, name: str, loop: Any, required: bool) -> None:
        async def check() -> str | None:
            sentence: str | None = loop.health()
            return sentence

        self._health[name] = Part(check, required=required)

    def _kafka(self) -> str:
        bootstrap = self._context.settings.kafka_bootstrap_servers
        if bootstrap is None:
            raise SettingsError("KAFKA_BOOTSTRAP_SERVERS is missing: where is Kafka?")
        return bootstrap

    def _subscriptions(self) -> list[Any]:
        own = list(self._parts.subscriptions)
        if self._service.token_source is None:
            own += identity_subscriptions(self._context.database.infrastructure)
        return own

    def _server(self) -> _Server:
        context, settings = self._context, self._context.settings
        app = build_application(
            self._service,
            context,
            self._parts,
            serves="serve" in self._roles,
            loops=self._health,
        )
        return _Server(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=True,
                timeout_graceful_shutdown=3,
                timeout_keep_alive=75,
                forwarded_allow_ips="127.0.0.1",
            )
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Run every loop; the first that fails ends the process."""
        loops = self._loops(stop)
        server = self._server()
        tasks = [asyncio.create_task(loop, name=name) for name, loop in loops.items()]
        serving = asyncio.create_task(server.serve(), name="http")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        done, _ = await asyncio.wait(
            [*tasks, serving, stopping], return_when=asyncio.FIRST_COMPLETED
        )
        stop.set()
        server.should_exit = True
        await _finish([*tasks, serving], SHUTDOWN_S)
        stopping.cancel()
        for task in done - {stopping}:
            failure = task.exception()
            if failure is not None:
                raise failure


async def _finish(tasks: Iterable[asyncio.Task[None]], seconds: float) -> None:
    """Give the loops their time to end, then end them."""
    waiting = [task for task in tasks if not task.done()]
    if not waiting:
        return
    _, late = await asyncio.wait(waiting, timeout=seconds)
    for task in late:
        _logger.warning("had to be cancelled", loop=task.get_name())
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)


async def run_service(service: Service, roles: frozenset[Role]) -> None:
    """Run until SIGTERM or SIGINT, or until a loop fails."""
    settings = service.settings.load()
    configure_logs(service.name, settings.log_level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_context(service, settings) as context:
        _logger.info("starting", roles=sorted(roles), port=settings.port)
        await _Process(service, context, roles).run(stop)
        _logger.info("stopped")
