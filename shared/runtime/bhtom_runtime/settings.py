"""The settings that every service has; each service adds its own fields."""

import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, PostgresDsn, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """A missing, unknown or unusable variable, named in one sentence."""


class ServiceSettings(BaseSettings):
    """One frozen model a process, read from its environment and nowhere else."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_prefix="BHTOM_")

    database_url: PostgresDsn | None = Field(
        default=None, validation_alias="DATABASE_URL"
    )
    kafka_bootstrap_servers: str | None = Field(
        default=None, validation_alias="KAFKA_BOOTSTRAP_SERVERS"
    )
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    public_url: str = "http://localhost:8000"
    core_url: str = "http://127.0.0.1:8101"
    upload_url: str = "http://127.0.0.1:8102"
    cpcs_url: str = "http://127.0.0.1:8103"
    harvester_url: str = "http://127.0.0.1:8104"
    object_store: Path | None = None
    free_space_floor_bytes: int = Field(default=1 << 30, ge=0)
    internal_secret: SecretStr | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    database_pool_size: int = Field(default=5, ge=1, le=100)
    job_lease_s: float = Field(default=15.0, gt=0)
    job_workers: int = Field(default=4, ge=1, le=64)
    pool_processes: int = Field(default=2, ge=1, le=64)

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Read the environment; an unknown `BHTOM_` variable is an error too."""
        known = {
            f"BHTOM_{name}".upper() for name in cls.model_fields
        } | SHARED_VARIABLES
        unknown = [
            name
            for name in os.environ
            if name.startswith("BHTOM_") and name not in known
        ]
        if unknown:
            raise SettingsError(
                f"Unknown setting {', '.join(sorted(unknown))}: "
                "correct its name or remove it."
            )
        try:
            return cls(**overrides)
        except ValidationError as error:
            raise SettingsError(_sentence(error)) from error


# Set for other programs that share an `.env` with the services.
SHARED_VARIABLES = frozenset(
    {
        "BHTOM_STATE_DIR",
        "BHTOM_CACHE_DIR",
        "BHTOM_LAYOUT",
        "BHTOM_TEST_POSTGRES_URL",
        "BHTOM_TEST_KAFKA",
    }
)


def _sentence(error: ValidationError) -> str:
    problems = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        variable = name if name.isupper() else f"BHTOM_{name.upper()}"
        problems.append(f"{variable}: {item['msg']}")
    return "The settings cannot be used. " + "; ".join(problems)
