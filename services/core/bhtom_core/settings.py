"""The settings of core."""

from pydantic import Field, SecretStr

from bhtom_runtime.settings import ServiceSettings


class CoreSettings(ServiceSettings):
    """What core needs beyond the settings of every service."""

    admin_username: str | None = None
    admin_password: SecretStr | None = None
    sign_in_attempts: int = Field(default=10, ge=1)
    sign_in_window_s: int = Field(default=900, ge=1)
