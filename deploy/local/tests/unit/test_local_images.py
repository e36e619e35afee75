"""docker-compose.yml and its Dockerfile, as far as no container engine is needed."""

import importlib
import json
import re
import runpy
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bhtom_local.parts import SERVICE_ROLES
from bhtom_local.places import DEPLOY_FOLDER
from bhtom_local.service_variables import settings_model, variables_of
from bhtom_local.settings import VARIABLES

CHECKOUT = DEPLOY_FOLDER.parent
COMPOSE = CHECKOUT / "docker-compose.yml"
DOCKERFILE = DEPLOY_FOLDER / "docker" / "Dockerfile"
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


def containers(compose: dict[str, Any], image: str) -> dict[str, dict[str, Any]]:
    return {
        name: one
        for name, one in compose["services"].items()
        if one["image"].startswith(image)
    }


def filled_in(text: str) -> str:
    """A value as compose would fill it in, with `x` for every secret."""
    return VARIABLE.sub(lambda found: found[3] if found[2] == "-" else "x", text)


def test_it_is_a_compose_file(compose: dict[str, Any]) -> None:
    schemas = importlib.import_module("check_jsonschema.builtin_schemas")
    folder = Path(str(schemas.__file__)).parent / "vendor"
    schema = json.loads((folder / "compose-spec.json").read_text())
    jsonschema.validate(compose, schema)


def test_every_variable_is_one_of_the_env_file() -> None:
    used = {found[0] for found in VARIABLE.findall(COMPOSE.read_text())}
    assert used <= set(VARIABLES) | {"BHTOM_GATEWAY_ADDRESS"}


def test_a_secret_has_no_default() -> None:
    for name, kind, _ in VARIABLE.findall(COMPOSE.read_text()):
        if name.endswith(("_PASSWORD", "_SECRET")):
            assert kind == "?", name


@pytest.mark.parametrize("service", list(SERVICE_ROLES))
def test_every_service_accepts_its_environment(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    environment = compose["services"][service]["environment"]
    assert set(environment) <= variables_of(service)
    for name, value in environment.items():
        if value is not None:
            monkeypatch.setenv(name, filled_in(value))
    settings = settings_model(service).load()
    assert settings.core_url == "http://core:8000"
    assert (settings.database_url is None) == (service == "web")


@pytest.mark.parametrize("service", list(SERVICE_ROLES))
def test_every_setting_of_the_env_file_reaches_its_service(
    compose: dict[str, Any], service: str
) -> None:
    # A folder of this machine means nothing inside; the pages have no database.
    kept_back = {"cpcs": {"BHTOM_CATALOGUES"}, "web": {"DATABASE_URL"}}
    handed_on = set(compose["services"][service]["environment"])
    assert variables_of(service) - handed_on == kept_back.get(service, set())


def test_every_role_of_every_service_runs(compose: dict[str, Any]) -> None:
    held: dict[str, set[str]] = {}
    for one in containers(compose, "bhtom-service").values():
        program, verb, *rest = one["command"]
        if verb == "run":
            held.setdefault(program, set()).update(rest[1].split(","))
    assert held == {
        f"bhtom-{name}": set(roles) for name, roles in SERVICE_ROLES.items()
    }


def test_every_command_exists(compose: dict[str, Any]) -> None:
    scripts: dict[str, str] = {}
    for project in CHECKOUT.glob("*/*/pyproject.toml"):
        scripts |= tomllib.loads(project.read_text())["project"].get("scripts", {})
    for one in containers(compose, "bhtom-service").values():
        program, verb, *_ = one["command"]
        if program == "python":
            assert importlib.import_module(one["command"][2]).main
            continue
        module, _, name = scripts[program].partition(":")
        group = getattr(importlib.import_module(module), name)
        assert isinstance(group, click.Group)
        assert verb in group.commands, f"{program} has no command {verb}"


def test_every_table_is_there_before_its_service(compose: dict[str, Any]) -> None:
    for name, one in containers(compose, "bhtom-service").items():
        if one["command"][1] == "run" and name != "web":
            service = one["command"][0].removeprefix("bhtom-")
            needed = one["depends_on"]
            done = {"condition": "service_completed_successfully"}
            assert needed[f"{service}-migrate"] == done
            assert needed["topics"] == done


def test_only_the_gateway_is_reached_from_outside(compose: dict[str, Any]) -> None:
    open_ones = [name for name, one in compose["services"].items() if "ports" in one]
    assert open_ones == ["gateway"]
    assert compose["networks"]["inner"]["internal"] is True


def test_our_containers_can_do_as_little_as_possible(compose: dict[str, Any]) -> None:
    for name, one in containers(compose, "bhtom-").items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name


def test_the_broker_is_set_up_as_the_local_one(compose: dict[str, Any]) -> None:
    text = (DEPLOY_FOLDER / "kafka" / "server.properties").read_text()
    local = dict(re.findall(r"^([\w.]+)=(.*)$", text, flags=re.MULTILINE))
    places = ("listeners", "quorum.voters", "log.dirs")
    for name, value in compose["services"]["kafka"]["environment"].items():
        if name == "KAFKA_HEAP_OPTS":
            continue
        key = name.removeprefix("KAFKA_").lower().replace("_", ".")
        assert key in local, key
        if not key.endswith(places):
            assert local[key] == value, key


def test_every_mounted_file_exists(compose: dict[str, Any]) -> None:
    for one in compose["services"].values():
        for volume in one.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (CHECKOUT / source).is_file(), source
            else:
                assert source in compose["volumes"], source


def test_every_copied_path_exists_and_reaches_the_builder() -> None:
    sent = [
        line[1:]
        for line in (CHECKOUT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    for line in re.findall(r"^COPY (?!--from)(.*)$", text, flags=re.MULTILINE):
        for source in line.split()[:-1]:
            assert (CHECKOUT / source).exists(), source
            assert any(Path(source).is_relative_to(one) for one in sent), source


def test_the_dockerfile_names_every_package_and_no_root() -> None:
    text = DOCKERFILE.read_text()
    for service in SERVICE_ROLES:
        assert f"services/{service}" in text
    stages = re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]
    for stage in stages[1:]:
        assert re.search(r"^USER bhtom$", stage, flags=re.MULTILINE)
        assert "HEALTHCHECK" in stage
    targets = set(re.findall(r" AS (\w+)$", text, flags=re.MULTILINE))
    used = {
        one["build"]["target"]
        for one in yaml.safe_load(COMPOSE.read_text())["services"].values()
        if "build" in one
    }
    assert used <= targets


def test_the_images_get_every_package_that_services_need() -> None:
    script = DEPLOY_FOLDER / "docker" / "select_requirements.py"
    selecting = runpy.run_path(str(script))
    lock = (CHECKOUT / "requirements.lock").read_text()
    left_out = (DEPLOY_FOLDER / "docker" / "not-in-images.txt").read_text()
    chosen = selecting["selected"](lock, left_out)
    names = {name for name, _ in selecting["entries"](chosen)}
    ours = ("runtime", "contracts", *SERVICE_ROLES)
    needed = closure([f"bhtom-{name}" for name in ours])
    assert needed <= names, sorted(needed - names)
    assert "mypy" not in names
    assert "--hash=sha256:" in chosen


def closure(packages: list[str]) -> set[str]:
    """Names of all packages that these need here, without our own."""
    waiting = [Requirement(package) for package in packages]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            listed = requires(requirement.name) or []
        except PackageNotFoundError as failure:
            raise AssertionError(f"{requirement.name} is not installed") from failure
        for text in listed:
            one = Requirement(text)
            extras = [*requirement.extras, ""]
            marker = one.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in extras):
                waiting.append(one)
    return {name for name, _ in seen if not name.startswith("bhtom-")}
