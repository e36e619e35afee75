"""The settings of core."""

from pydantic import Field, SecretStr

from bhtom_core.observatories.acceptance import AcceptanceRule
from bhtom_runtime.settings import ServiceSettings


class CoreSettings(ServiceSettings):
    """What core needs beyond the settings of every service."""

    admin_username: str | None = None
    admin_password: SecretStr | None = None
    sign_in_attempts: int = Field(default=10, ge=1)
    sign_in_window_s: int = Field(default=900, ge=1)
    # The operator's rule for what cameras' frames teach: off, so that people decide.
    accept_cameras: bool = False
    accept_cameras_min_frames: int = Field(default=50, ge=5)
    accept_cameras_min_nights: int = Field(default=5, ge=2)
    accept_cameras_max_sigma: float = Field(default=5.0, gt=0, le=100)
    accept_cameras_max_change: float = Field(default=0.05, ge=0, le=1)

    @property
    def acceptance_rule(self) -> AcceptanceRule | None:
        """The operator's rule, None while it is off."""
        if not self.accept_cameras:
            return None
        return AcceptanceRule(
            min_frames=self.accept_cameras_min_frames,
            min_nights=self.accept_cameras_min_nights,
            max_sigma=self.accept_cameras_max_sigma,
            max_change=self.accept_cameras_max_change,
        )
