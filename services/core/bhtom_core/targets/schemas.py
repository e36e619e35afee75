"""What the API of targets takes and gives."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bhtom_contracts.base import Visibility
from bhtom_contracts.events.targets import OrbitalElements
from bhtom_core.light_curves.summaries import NO_LIGHT_CURVE, Summary
from bhtom_core.rows import Record
from bhtom_core.targets.position_models import Elements, Ephemeris

Coordinate = (
    Annotated[float, Field(allow_inf_nan=False)] | Annotated[str, Field(max_length=60)]
)
Epoch = Annotated[float, Field(ge=1800, le=2200, description="Julian year")]
ProperMotion = Annotated[float, Field(ge=-1e5, le=1e5, description="mas/yr")]
Parallax = Annotated[float, Field(ge=-1000, le=1000, description="mas")]
PositionError = Annotated[
    float, Field(gt=0, le=3600, description="arcsec, 1 sigma along each axis")
]
Importance = Annotated[float, Field(ge=0, le=10)]
Cadence = Annotated[float, Field(ge=0, le=10000, description="days")]
Aliases = Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=100)]
LongText = Annotated[str, Field(max_length=20_000)]


class NewTarget(BaseModel):
    """A target to be made: at ra and dec, on an orbit, or along an ephemeris."""

    name: LongText
    ra: Coordinate | None = Field(
        default=None, description="degrees, or sexagesimal hours as text"
    )
    dec: Coordinate | None = Field(
        default=None, description="degrees, decimal or sexagesimal"
    )
    epoch: Epoch = 2000.0
    pm_ra: ProperMotion | None = None
    pm_dec: ProperMotion | None = None
    parallax: Parallax | None = None
    position_error: PositionError | None = None
    elements: Elements | None = None
    ephemeris: Ephemeris | None = None
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
    """What may be changed; what is absent stays.

    A position of another kind takes the place of the one there was.
    """

    name: LongText = ""
    ra: Coordinate = 0.0
    dec: Coordinate = 0.0
    epoch: Epoch = 2000.0
    pm_ra: ProperMotion | None = None
    pm_dec: ProperMotion | None = None
    parallax: Parallax | None = None
    position_error: PositionError | None = None
    elements: Elements | None = None
    ephemeris: Ephemeris | None = None
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


class EphemerisSummary(BaseModel):
    """A table of places in short; its rows are at `/targets/{target_id}/ephemeris`."""

    observer: Literal["geocentre", "site"]
    row_count: int
    first_mjd: float
    last_mjd: float
    longest_gap_days: float
    has_distance: bool


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
    position_kind: Literal["sidereal", "elements", "ephemeris"]
    position_version: int
    ra: float | None
    dec: float | None
    epoch: float
    pm_ra: float | None
    pm_dec: float | None
    parallax: float | None
    position_error: float | None
    elements: OrbitalElements | None
    ephemeris: EphemerisSummary | None
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
    """A page of targets.

    A search around a place leaves out targets without a fixed one: `moving_left_out`
    counts those that fit the rest of the search.
    """

    items: list[Target]
    next_cursor: str | None = None
    moving_left_out: int = 0


def target_of(row: Record, summary: Summary | None) -> Target:
    """The target of a row with its owner's name, and its light curve in short."""
    values = row._asdict()
    separation = values.pop("separation_deg")
    return Target(
        **values,
        light_curve=LightCurveSummary.model_validate(summary or NO_LIGHT_CURVE),
        separation_arcsec=None if separation is None else separation * 3600,
    )
