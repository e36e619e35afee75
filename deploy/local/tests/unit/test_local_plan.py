"""What a stack consists of, and what each of its processes is told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bhtom_local.failure import StackFailure
from bhtom_local.parts import (
    PARTS,
    SERVICE_ROLES,
    all_processes,
    configured_ports,
    service_processes,
)
from bhtom_local.plan import Plan
from bhtom_local.provision import SERVICES
from bhtom_local.service_variables import settings_model, variables_of
from bhtom_local.settings import ensure_env_file, load


def make_plan(folder: Path, extra: Mapping[str, str] = {}, **settings: Any) -> Plan:
    env_file = folder / ".env"
    ensure_env_file(env_file)
    loaded = load(env_file, {}, **settings)
    return Plan(
        settings=loaded,
        places=loaded.places(folder),
        ports=configured_ports(loaded),
        parts=frozenset(PARTS),
        extra_environment=extra,
    )


@pytest.mark.parametrize("layout", ["combined", "split"])
def test_every_role_of_every_service_has_one_process(layout: Any) -> None:
    held = [
        (process.service, role)
        for process in all_processes(layout, PARTS)
        for role in process.roles
    ]
    wanted = [(name, role) for name, roles in SERVICE_ROLES.items() for role in roles]
    assert sorted(held) == sorted(wanted)


@pytest.mark.parametrize("layout", ["combined", "split"])
def test_the_first_process_of_a_service_serves(layout: Any) -> None:
    for service in SERVICE_ROLES:
        assert "serve" in service_processes(service, layout)[0].roles


@pytest.mark.parametrize("layout", ["combined", "split"])
def test_no_two_processes_share_a_port(tmp_path: Path, layout: Any) -> None:
    plan = make_plan(tmp_path, layout=layout)
    programs = plan.programs("jars/*", Path("bin"))
    ports = [port for program in programs for port in program.ports]
    assert len(ports) == len(set(ports))
    assert len({program.name for program in programs}) == len(programs)


def test_reductions_are_a_process_of_their_own(tmp_path: Path) -> None:
    names = {one.name for one in make_plan(tmp_path).processes}
    assert {"core", "upload", "cpcs", "cpcs-work", "harvester", "web"} == names


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(StackFailure, match="coer"):
        all_processes("combined", {"coer"})


@pytest.mark.parametrize("service", list(SERVICE_ROLES))
@pytest.mark.parametrize("layout", ["combined", "split"])
def test_every_service_accepts_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str, layout: Any
) -> None:
    plan = make_plan(tmp_path, layout=layout)
    for process in service_processes(service, layout):
        environment = plan.environment(service, process.name)
        assert set(environment) <= variables_of(service)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        settings = settings_model(service).load()
        assert settings.port == plan.ports[process.name]
        assert settings.core_url == plan.service_urls["core"]


def test_each_service_gets_only_its_own_role(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    urls = {service: plan.environment(service)["DATABASE_URL"] for service in SERVICES}
    for service, url in urls.items():
        assert url.startswith(f"postgresql://bhtom_{service}:")
        assert plan.settings.postgres_password not in url
    assert len(set(urls.values())) == len(SERVICES)
    assert "DATABASE_URL" not in plan.environment("web")


def test_only_core_learns_the_administrators_password(tmp_path: Path) -> None:
    plan = make_plan(tmp_path)
    for service in SERVICE_ROLES:
        told = plan.settings.admin_password in plan.environment(service).values()
        assert told == (service == "core")


def test_a_variable_reaches_only_services_that_know_it(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, {"BHTOM_REDUCTION_PROCESSES": "1"})
    assert plan.environment("cpcs")["BHTOM_REDUCTION_PROCESSES"] == "1"
    assert "BHTOM_REDUCTION_PROCESSES" not in plan.environment("core")


def test_own_servers_are_used_instead_of_ours(tmp_path: Path) -> None:
    plan = make_plan(
        tmp_path,
        database_url="postgresql://boss:pw@db.example.org:5433/sky?sslmode=require",
        kafka_bootstrap_servers="kafka.example.org:9092",
    )
    names = {program.name for program in plan.programs("", Path())}
    assert not names & {"postgres", "kafka"}
    environment = plan.environment("cpcs")
    password = plan.settings.cpcs_password
    assert environment["DATABASE_URL"] == (
        f"postgresql://bhtom_cpcs:{password}@db.example.org:5433/sky?sslmode=require"
    )
    assert environment["KAFKA_BOOTSTRAP_SERVERS"] == "kafka.example.org:9092"


def test_passwords_that_need_quoting_survive_in_an_address(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, core_password="a/b@c:d %")
    url = plan.environment("core")["DATABASE_URL"]
    assert "bhtom_core:a%2Fb%40c%3Ad%20%25@127.0.0.1" in url
