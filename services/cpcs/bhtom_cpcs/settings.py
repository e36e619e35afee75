"""The settings of cpcs, beside those that every service has."""

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from bhtom_runtime.settings import ServiceSettings, SettingsError


class CpcsSettings(ServiceSettings):
    """How cpcs reduces frames, and where its reference stars are."""

    port: int = Field(default=8103, ge=1, le=65535)
    catalogues: Path | None = None
    default_catalogue: str = Field(default="GaiaSP", pattern=r"^[A-Za-z0-9]{1,30}$")
    fetch_catalogues: bool = False
    reduction_processes: int = Field(default=2, ge=1, le=63)
    reduction_timeout_s: float = Field(default=300.0, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _size_the_pool(cls, values: dict[str, Any]) -> dict[str, Any]:
        """As many pool processes as reductions, and one more frame that is ready."""
        sized = dict(values)
        processes = int(sized.get("reduction_processes", 2))
        sized.setdefault("pool_processes", processes)
        sized.setdefault("job_workers", processes + 1)
        return sized

    @property
    def catalogue_folder(self) -> Path:
        """Where the reference catalogues are: by default beside the object store."""
        if self.catalogues is not None:
            return self.catalogues
        if self.object_store is not None:
            return self.object_store.parent / "reference_catalogues"
        raise SettingsError(
            "Set BHTOM_CATALOGUES to the folder of the reference catalogues, or "
            "BHTOM_OBJECT_STORE, beside which they are then kept."
        )

    @property
    def settings_version(self) -> str:
        """What of these settings a calibration's numbers depend on, as one text."""
        return f"1;default_catalogue={self.default_catalogue}"
