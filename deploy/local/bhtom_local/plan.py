"""What a stack consists of: every program with its command and environment."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from bhtom_local import kafka, postgres
from bhtom_local.parts import (
    SERVICE_ROLES,
    ServiceProcess,
    all_processes,
    service_processes,
    service_urls,
)
from bhtom_local.places import DEPLOY_FOLDER, Places
from bhtom_local.ports import LOOPBACK
from bhtom_local.programs import Program
from bhtom_local.provision import SERVICES, service_url
from bhtom_local.service_variables import variables_of
from bhtom_local.settings import LocalSettings

PROGRAM_FOLDER = Path(sys.executable).parent


@dataclass(frozen=True)
class Plan:
    """The parts of one stack and where each of them is."""

    settings: LocalSettings
    places: Places
    ports: Mapping[str, int]
    parts: frozenset[str]
    # For tests: on a machine that loses power they lose data, and nothing else.
    durable: bool = True
    extra_environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def own_postgres(self) -> bool:
        """Whether the database is ours to run."""
        return "postgres" in self.parts and not self.settings.database_url

    @property
    def own_kafka(self) -> bool:
        """Whether the broker is ours to run."""
        return "kafka" in self.parts and not self.settings.kafka_bootstrap_servers

    @property
    def database_services(self) -> list[str]:
        """The services of this stack that own tables."""
        return [service for service in SERVICES if service in self.parts]

    @property
    def admin_url(self) -> str:
        """Address of the database for the administrator."""
        if self.settings.database_url:
            return self.settings.database_url
        password = self.settings.postgres_password
        place = f"{LOOPBACK}:{self.ports['postgres']}"
        return f"postgresql://{postgres.ADMIN}:{password}@{place}/bhtom"

    @property
    def kafka_bootstrap(self) -> str:
        """Address of the broker."""
        given = self.settings.kafka_bootstrap_servers
        return given or f"{LOOPBACK}:{self.ports['kafka']}"

    @property
    def public_url(self) -> str:
        """The one address that people open."""
        given = self.settings.public_url.rstrip("/")
        return given or f"http://localhost:{self.ports['gateway']}"

    @property
    def administrator(self) -> tuple[str, str]:
        """Name and password of the first administrator."""
        return self.settings.admin_username, self.settings.admin_password

    @cached_property
    def service_urls(self) -> Mapping[str, str]:
        """Internal address of each service."""
        return service_urls(self.ports, self.settings.layout)

    @cached_property
    def processes(self) -> list[ServiceProcess]:
        """Every process of the services."""
        return all_processes(self.settings.layout, self.parts)

    def database_url(self, service: str) -> str:
        """Address of the database for a service's role."""
        return service_url(self.admin_url, service, self.settings.password(service))

    def environment(self, service: str, process: str | None = None) -> dict[str, str]:
        """Variables of a service's process, by default of the one that serves."""
        first = service_processes(service, self.settings.layout)[0].name
        values = {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap,
            "BHTOM_HOST": LOOPBACK,
            "BHTOM_PORT": str(self.ports[process or first]),
            "BHTOM_PUBLIC_URL": self.public_url,
            "BHTOM_OBJECT_STORE": self.settings.object_store
            or str(self.places.objects),
            "BHTOM_LOG_LEVEL": self.settings.log_level,
        }
        for other in SERVICES:
            values[f"BHTOM_{other.upper()}_URL"] = self.service_urls[other]
        if service in SERVICES:
            values["DATABASE_URL"] = self.database_url(service)
        values["BHTOM_INTERNAL_SECRET"] = self.settings.internal_secret
        if service == "core":
            values["BHTOM_ADMIN_USERNAME"], values["BHTOM_ADMIN_PASSWORD"] = (
                self.administrator
            )
        extra = {**self.settings.handed_on, **self.extra_environment}
        return values | {
            name: value
            for name, value in extra.items()
            if name in variables_of(service)
        }

    def programs(self, class_path: str, postgres_programs: Path) -> list[Program]:
        """Every program that the supervisor keeps, in the order of their start."""
        found = []
        if self.own_postgres:
            found.append(self._postgres(postgres_programs))
        if self.own_kafka:
            found.append(self._kafka(class_path))
        found += [self._service(process) for process in self.processes]
        if "gateway" in self.parts:
            found.append(self._gateway())
        return found

    def _postgres(self, programs: Path) -> Program:
        port = self.ports["postgres"]
        user = postgres.other_user()
        return Program(
            name="postgres",
            command=tuple(
                postgres.command(self.places.postgres, programs, port, self.durable)
            ),
            address=f"{LOOPBACK}:{port}",
            ports=(port,),
            user=user.name if user else None,
            # The fast shutdown: sessions are ended, nothing is lost.
            stop_signal="INT",
            stop_within_s=20,
            order=10,
            folder=str(self.places.postgres),
        )

    def _kafka(self, class_path: str) -> Program:
        port = self.ports["kafka"]
        return Program(
            name="kafka",
            command=tuple(kafka.command(self.places.kafka, class_path)),
            address=f"{LOOPBACK}:{port}",
            ports=(port, self.ports["kafka-controller"]),
            stop_within_s=20,
            order=10,
        )

    def _service(self, process: ServiceProcess) -> Program:
        port = self.ports[process.name]
        url = f"http://{LOOPBACK}:{port}"
        return Program(
            name=process.name,
            command=(
                str(PROGRAM_FOLDER / f"bhtom-{process.service}"),
                "run",
                "--roles",
                ",".join(process.roles),
            ),
            environment=self.environment(process.service, process.name),
            address=url,
            health_url=f"{url}/health/ready",
            ports=(port,),
            order=30,
        )

    def _gateway(self) -> Program:
        port = self.ports["gateway"]
        return Program(
            name="gateway",
            command=(
                str(PROGRAM_FOLDER / "caddy"),
                "run",
                "--config",
                str(DEPLOY_FOLDER / "gateway" / "Caddyfile"),
            ),
            environment=self.gateway_environment(),
            address=self.public_url,
            health_url=f"http://{LOOPBACK}:{port}/gateway/health",
            ports=(port,),
            order=60,
        )

    def gateway_environment(self) -> dict[str, str]:
        """Variables that the Caddyfile reads."""
        home = str(self.places.state / "gateway")
        values = {
            f"BHTOM_{service.upper()}_URL": self.service_urls[service]
            for service in SERVICE_ROLES
        }
        values |= {
            "BHTOM_GATEWAY_ADDRESS": f"http://:{self.ports['gateway']}",
            "BHTOM_GATEWAY_BIND": LOOPBACK,
            "BHTOM_STATIC_FILES": str(static_folder()),
            "XDG_DATA_HOME": home,
            "XDG_CONFIG_HOME": home,
        }
        return values | {
            name: value
            for name, value in self.extra_environment.items()
            if name in values
        }


def static_folder() -> Path:
    """Where the web front end's built files are."""
    return DEPLOY_FOLDER.parent / "services" / "web" / "bhtom_web" / "static"
