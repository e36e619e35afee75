"""Targets, as core publishes them."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bhtom_contracts.base import Snapshot, Visibility
from bhtom_contracts.units import (
    Days,
    Degrees,
    Dimensionless,
    JulianYear,
    Milliarcseconds,
    MilliarcsecondsPerYear,
)


class TargetPosition(BaseModel):
    """A position model: where the target is at a time. Only sidereal ones so far."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["sidereal", "elements", "ephemeris"] = "sidereal"
    version: int = 1
    ra: Degrees | None = Field(default=None, ge=0, lt=360)
    dec: Degrees | None = Field(default=None, ge=-90, le=90)
    epoch: JulianYear = 2000.0
    pm_ra: MilliarcsecondsPerYear | None = None
    pm_dec: MilliarcsecondsPerYear | None = None
    parallax: Milliarcseconds | None = None


class TargetChanged(Snapshot):
    """A target."""

    target_id: int
    name: str
    aliases: tuple[str, ...] = ()
    position: TargetPosition
    classification: str = "Unknown"
    description: str = ""
    importance: Dimensionless = 0.0
    cadence: Days = 0.0
    owner_id: int
    visibility: Visibility = "public"
    embargo_until: AwareDatetime | None = None
    archives_allowed: bool = True
    created_at: AwareDatetime
    modified_at: AwareDatetime
