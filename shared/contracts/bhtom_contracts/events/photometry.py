"""Points: harvested from archives, and what core tells of its light curves."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bhtom_contracts.base import Payload
from bhtom_contracts.units import Dimensionless, Mjd, Photometric, Seconds

Quantity = Literal["magnitude", "flux"]


class PhotometricValue(BaseModel):
    """A value with its unit and system; `value` null means that it is missing."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    quantity: Quantity = "magnitude"
    value: Photometric | None
    error: Photometric | None = None
    unit: str = "mag"
    system: Literal["AB", "Vega", "none"] = "none"
    passband: str
    passband_as_reported: str
    difference: bool = False
    is_limit: bool = False
    limit_sigma: Dimensionless | None = None
    limit_definition: str = ""


class HarvestedRow(BaseModel):
    """One archive row: `record` is the archive's own id of it, never its value."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    record: str = Field(min_length=1, max_length=300)
    component: str = Field(max_length=100)
    mjd: Mjd
    bjd_tdb: Mjd | None = None
    exposure_time: Seconds | None = None
    time_as_reported: str = ""
    time_scale_as_reported: str = ""
    photometry: PhotometricValue
    flags: int = 0


class PhotometryHarvested(Payload):
    """A chunk of what an archive has for a target; `chunk` counts from 0."""

    target_id: int
    source: str
    source_url: str = ""
    citation: str = ""
    batch_id: UUID
    chunk: int = Field(ge=0)
    chunk_count: int = Field(ge=1)
    harvested_at: AwareDatetime
    rows: tuple[HarvestedRow, ...]


class LightCurveUpdated(Payload):
    """A target's light curve changed; ask core for it."""

    target_id: int
    light_curve_version: int
    point_count: int
    updated_at: AwareDatetime


class PhotometryPublished(Payload):
    """A point is or became public: the stream for outside subscribers."""

    point_id: int
    revision: int
    target_id: int
    target_name: str
    source: str
    facility: str = ""
    mjd: Mjd
    bjd_tdb: Mjd | None = None
    photometry: PhotometricValue
    flags: int = 0
    published_at: AwareDatetime


class PhotometryWithdrawn(Payload):
    """A public point was hidden, replaced by a copy, or ceased to be public."""

    point_id: int
    target_id: int
    reason: str
    withdrawn_at: AwareDatetime


RecordedDisposition = Literal[
    "recorded",
    "repeated",
    "superseded",
    "copy",
    "dry_run",
    "preview",
    "not_in_plane",
    "target_deleted",
    "product_deleted",
]


class RecordedRevision(BaseModel):
    """What core did with one measurement."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    target_id: int
    disposition: RecordedDisposition
    point_id: int | None = None
    revision: int | None = None


class PhotometryRecorded(Payload):
    """Core's answer to `photometry.calibrated`: the loop is closed."""

    data_product_id: int
    calibration_request_id: int
    request_order: int = Field(ge=1)
    plane: int = Field(default=0, ge=0)
    plane_count: int = Field(default=1, ge=1)
    results: tuple[RecordedRevision, ...]
    recorded_at: AwareDatetime
