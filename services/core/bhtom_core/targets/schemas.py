"""What the API of targets takes and gives."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bhtom_contracts.base import Visibility
from bhtom_core.light_curves.summaries import NO_LIGHT_CURVE, Summary
from bhtom_core.rows import Record

Coordinate = (
    Annotated[float, Field(allow_inf_nan=False)] | Annotated[str, Field(max_length=60)]
)
Epoch = Annotated[float, Field(ge=1800, le=2200, description="Julian year")]
ProperMotion = Annotated[float, Field(ge=-1e5, le=1e5, description="mas/yr")]
Parallax = Annotated[float, Field(ge=-1000, le=1000, description="mas")]
Importance = Annotated[float, Field(ge=0, le=10)]
Cadence = Annotated[float, Field(ge=0, le=10000, description="days")]
Aliases = Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=100)]
LongText = Annotated[str, Field(max_length=20_000)]


class NewTarget(BaseModel):
    """A target to be made."""

    name: LongText
    ra: Coordinate = Field(description="degrees, or sexagesimal hours as text")
    dec: Coordinate = Field(description="degrees, decimal or sexagesimal")
    epoch: Epoch = 2000.0
    pm_ra: ProperMotion | None = None
    pm_dec: ProperMotion | None = None
    parallax: Parallax | None = None
    classification: LongText = "Unknown"
    description: LongText = ""
    importance: Importance = 0.0
    cadence: Cadence = 0.0
    aliases: Aliases = []
    visibility: Visibility = "public"
    embargo_until: AwareDatetime | None = None
    # Not said: a private target goes to nobody outside.
    archives_allowed: bool | None = None
    allow_close: bool = False

    def fields(self) -> dict[str, Any]:
        """The target's own fields."""
        fields = self.model_dump(exclude={"allow_close"})
        if self.archives_allowed is None:
            fields["archives_allowed"] = self.visibility == "public"
        return fields


class TargetChanges(BaseModel):
    """What may be changed; what is absent stays."""

    name: LongText = ""
    ra: Coordinate = 0.0
    dec: Coordinate = 0.0
    epoch: Epoch = 2000.0
    pm_ra: ProperMotion | None = None
    pm_dec: ProperMotion | None = None
    parallax: Parallax | None = None
    classification: LongText = "Unknown"
    description: LongText = ""
    importance: Importance = 0.0
    cadence: Cadence = 0.0
    aliases: Aliases = []
    visibility: Visibility = "public"
    embargo_until: AwareDatetime | None = None
    archives_allowed: bool = True
    allow_close: bool = False

    def fields(self) -> dict[str, Any]:
        """The fields that were sent."""
        return self.model_dump(exclude={"allow_close"}, exclude_unset=True)


class LightCurveSummary(BaseModel):
    """The light curve in short, as far as the reader may see it."""

    model_config = ConfigDict(from_attributes=True)

    version: int
    point_count: int
    last_mjd: float | None
    last_magnitude: float | None
    last_passband: str | None


class Target(BaseModel):
    """A target as its readers see it."""

    model_config = ConfigDict(from_attributes=True)

    target_id: int
    name: str
    aliases: list[str]
    ra: float | None
    dec: float | None
    epoch: float
    pm_ra: float | None
    pm_dec: float | None
    parallax: float | None
    classification: str
    description: str
    importance: float
    cadence: float
    owner_id: int
    owner: str
    visibility: Visibility
    embargo_until: datetime | None
    archives_allowed: bool
    created_at: datetime
    modified_at: datetime
    version: int
    light_curve: LightCurveSummary
    separation_arcsec: float | None = None


class TargetList(BaseModel):
    """A page of targets."""

    items: list[Target]
    next_cursor: str | None = None


def target_of(row: Record, summary: Summary | None) -> Target:
    """The target of a row with its owner's name, and its light curve in short."""
    values = row._asdict()
    separation = values.pop("separation_deg")
    return Target(
        **values,
        light_curve=LightCurveSummary.model_validate(summary or NO_LIGHT_CURVE),
        separation_arcsec=None if separation is None else separation * 3600,
    )
