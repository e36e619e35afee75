"""The parts of the suite, the processes of each, and where each one listens."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bhtom_local.failure import StackFailure
from bhtom_local.ports import LOOPBACK, free_ports
from bhtom_local.settings import Layout, LocalSettings

ALL_ROLES = ("serve", "relay", "consume", "work")
SERVICE_ROLES: Mapping[str, tuple[str, ...]] = {
    "core": ALL_ROLES,
    "upload": ALL_ROLES,
    "cpcs": ALL_ROLES,
    "harvester": ALL_ROLES,
    "web": ("serve",),
}
PARTS = ("postgres", "kafka", *SERVICE_ROLES, "gateway")

# Every process answers /health/live and /metrics on a port of its own.
ROLE_PORT_STEP = {"serve": 0, "relay": 100, "consume": 200, "work": 300}


@dataclass(frozen=True)
class ServiceProcess:
    """One process of a service and the roles it holds."""

    name: str
    service: str
    roles: tuple[str, ...]


def service_processes(service: str, layout: Layout) -> list[ServiceProcess]:
    """The processes of a service in a layout; the first one serves."""
    roles = SERVICE_ROLES[service]
    if layout == "split" and len(roles) > 1:
        return [ServiceProcess(f"{service}-{role}", service, (role,)) for role in roles]
    if service == "cpcs":
        # A reduction takes whole cores: it must not slow the answers down.
        rest = tuple(role for role in roles if role != "work")
        return [
            ServiceProcess("cpcs", service, rest),
            ServiceProcess("cpcs-work", service, ("work",)),
        ]
    return [ServiceProcess(service, service, roles)]


def all_processes(layout: Layout, parts: Collection[str]) -> list[ServiceProcess]:
    """Every service process of a stack with these parts."""
    unknown = set(parts) - set(PARTS)
    if unknown:
        raise StackFailure(
            f"There is no part {', '.join(sorted(unknown))}; the parts are "
            f"{', '.join(PARTS)}."
        )
    return [
        process
        for service in SERVICE_ROLES
        if service in parts
        for process in service_processes(service, layout)
    ]


def configured_ports(settings: LocalSettings) -> dict[str, int]:
    """Port of every process as the settings say."""
    ports = {
        "gateway": settings.gateway_port,
        "postgres": settings.postgres_port,
        "kafka": settings.kafka_port,
        "kafka-controller": settings.kafka_controller_port,
    }
    for process in all_processes(settings.layout, PARTS):
        base = getattr(settings, f"{process.service}_port")
        ports[process.name] = base + ROLE_PORT_STEP[process.roles[0]]
    return ports


def unused_ports(layout: Layout) -> dict[str, int]:
    """A free port for every process, for stacks that live beside others."""
    listening = ("gateway", "postgres", "kafka", "kafka-controller")
    listed = [*listening, *(one.name for one in all_processes(layout, PARTS))]
    return dict(zip(listed, free_ports(len(listed)), strict=True))


def service_urls(ports: Mapping[str, int], layout: Layout) -> dict[str, str]:
    """Internal address of each service's HTTP server."""
    first = {
        service: service_processes(service, layout)[0].name for service in SERVICE_ROLES
    }
    return {
        service: f"http://{LOOPBACK}:{ports[name]}" for service, name in first.items()
    }
