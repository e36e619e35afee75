"""Settings of the local stack: one `.env`, made with fresh secrets when missing."""

import difflib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bhtom_local.failure import StackFailure
from bhtom_local.places import Places
from bhtom_local.service_variables import variables_of

SERVICE_NAMES = ("core", "upload", "cpcs", "harvester", "web")

# Each process gets its own: a value in `.env` could only be wrong.
SET_BY_STACK = {"BHTOM_HOST", "BHTOM_PORT"} | {
    f"BHTOM_{service.upper()}_URL" for service in SERVICE_NAMES
}

Port = Annotated[int, Field(ge=1, le=65535)]
Layout = Literal["combined", "split"]


class LocalSettings(BaseModel):
    """Everything that a person may set for the local stack."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    state_dir: Path = Field(Path(".bhtom"), alias="BHTOM_STATE_DIR")
    cache_dir: Path = Field(Path("~/.cache/bhtom"), alias="BHTOM_CACHE_DIR")
    layout: Layout = Field("combined", alias="BHTOM_LAYOUT")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", alias="BHTOM_LOG_LEVEL"
    )

    public_url: str = Field("", alias="BHTOM_PUBLIC_URL")
    gateway_port: Port = Field(8000, alias="BHTOM_GATEWAY_PORT")
    core_port: Port = Field(8101, alias="BHTOM_CORE_PORT")
    upload_port: Port = Field(8102, alias="BHTOM_UPLOAD_PORT")
    cpcs_port: Port = Field(8103, alias="BHTOM_CPCS_PORT")
    harvester_port: Port = Field(8104, alias="BHTOM_HARVESTER_PORT")
    web_port: Port = Field(8105, alias="BHTOM_WEB_PORT")
    postgres_port: Port = Field(8132, alias="BHTOM_POSTGRES_PORT")
    kafka_port: Port = Field(8192, alias="BHTOM_KAFKA_PORT")
    kafka_controller_port: Port = Field(8193, alias="BHTOM_KAFKA_CONTROLLER_PORT")

    database_url: str = Field("", alias="DATABASE_URL")
    kafka_bootstrap_servers: str = Field("", alias="KAFKA_BOOTSTRAP_SERVERS")
    object_store: str = Field("", alias="BHTOM_OBJECT_STORE")

    postgres_password: str = Field(alias="BHTOM_POSTGRES_PASSWORD", min_length=1)
    core_password: str = Field(alias="BHTOM_CORE_PASSWORD", min_length=1)
    upload_password: str = Field(alias="BHTOM_UPLOAD_PASSWORD", min_length=1)
    cpcs_password: str = Field(alias="BHTOM_CPCS_PASSWORD", min_length=1)
    harvester_password: str = Field(alias="BHTOM_HARVESTER_PASSWORD", min_length=1)
    admin_username: str = Field("admin", alias="BHTOM_ADMIN_USERNAME", min_length=1)
    admin_password: str = Field(alias="BHTOM_ADMIN_PASSWORD", min_length=1)
    internal_secret: str = Field(alias="BHTOM_INTERNAL_SECRET", min_length=1)

    # Variables that services read and the local stack only hands on, by name.
    handed_on: dict[str, str] = Field(default_factory=dict)

    def places(self, base: Path) -> Places:
        """Folders of this stack; relative ones start at the folder of `.env`."""
        return Places(
            state=(base / self.state_dir.expanduser()).absolute(),
            cache=(base / self.cache_dir.expanduser()).absolute(),
        )

    def password(self, service: str) -> str:
        """Password of a service's database role."""
        return str(getattr(self, f"{service}_password"))


VARIABLES = {
    entry.alias: field
    for field, entry in LocalSettings.model_fields.items()
    if entry.alias is not None
}
SECRETS = tuple(name for name in VARIABLES if name.endswith(("_PASSWORD", "_SECRET")))


def load(
    env_file: Path,
    environment: Mapping[str, str] = os.environ,
    **given: Any,
) -> LocalSettings:
    """Read `.env`, under variables of the process and values given by a caller.

    Only names that start with BHTOM_ are taken from the process: a DATABASE_URL left
    over in a shell must not send anybody's data elsewhere.
    """
    found = read(env_file) | {
        name: value for name, value in environment.items() if _is_taken(name)
    }
    values: dict[str, Any] = {
        VARIABLES[name]: value for name, value in found.items() if name in VARIABLES
    }
    values["handed_on"] = {
        name: value for name, value in found.items() if name not in VARIABLES
    }
    try:
        return LocalSettings.model_validate(values | given, by_name=True)
    except ValidationError as failure:
        raise StackFailure(_sentence(failure, env_file)) from failure


def read(env_file: Path) -> dict[str, str]:
    """The variables of an env file; an unknown one is an error that names it."""
    found = dotenv_values(env_file, interpolate=False)
    for name in found:
        if name not in VARIABLES and name not in _handed_on():
            known = VARIABLES.keys() | _handed_on()
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise StackFailure(
                f"{env_file} sets {name}, which nobody reads: correct its name or "
                f"remove it.{hint}"
            )
    return {name: value for name, value in found.items() if value}


def _is_taken(name: str) -> bool:
    """Whether a variable of the process counts as a setting."""
    if not name.startswith("BHTOM_") or name.startswith("BHTOM_TEST_"):
        return False
    return name in VARIABLES or name in _handed_on()


def _handed_on() -> frozenset[str]:
    """What a person may set for the services beside the stack's own variables.

    Asked only when there is an unknown name: it imports every service's settings.
    """
    return frozenset().union(*map(variables_of, SERVICE_NAMES)) - SET_BY_STACK


def ensure_env_file(env_file: Path, example: Path | None = None) -> bool:
    """Make the env file with fresh secrets if it is missing or lacks some.

    Returns whether anything was written.
    """
    old = env_file.read_text() if env_file.exists() else None
    text = old if old is not None else (example.read_text() if example else "")
    present = dotenv_values(env_file, interpolate=False) if old is not None else {}
    lines = text.splitlines()
    for name in SECRETS:
        if present.get(name):
            continue
        line = f"{name}={secrets.token_urlsafe(24)}"
        empty = [n for n, each in enumerate(lines) if each.strip() == f"{name}="]
        if empty:
            lines[empty[0]] = line
        else:
            lines.append(line)
    new = "\n".join(lines) + "\n"
    if new == old:
        env_file.chmod(0o600)
        return False
    unfinished = env_file.with_name(env_file.name + ".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(new)
    unfinished.replace(env_file)
    return True


def _sentence(failure: ValidationError, env_file: Path) -> str:
    first = failure.errors()[0]
    field = str(first["loc"][0])
    name = next((alias for alias, its in VARIABLES.items() if its == field), field)
    if first["type"] == "missing":
        return f"{name} is missing: set it in {env_file}."
    return f"{name} in {env_file} is wrong: {first['msg']}."
