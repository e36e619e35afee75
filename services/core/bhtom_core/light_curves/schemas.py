"""What the API of light curves takes and gives.

A light curve is written from database rows without these models, for speed; they
describe it in the OpenAPI document, and a test compares the two.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field


class Point(BaseModel):
    """A point of a light curve in its current revision."""

    point_id: int
    revision: int
    source: str
    facility: str
    mjd: float
    bjd_tdb: float | None
    exposure_time: float | None
    quantity: Literal["magnitude", "flux"]
    value: float | None
    error: float | None
    unit: str
    system: Literal["AB", "Vega", "none"]
    passband: str
    passband_displayed: str
    is_limit: bool
    limit_3_sigma: float | None
    limit_5_sigma: float | None
    limit_sigma: float | None
    signal_to_noise: float | None
    flux: float | None
    flux_error: float | None
    flags: int
    flag_texts: list[str]
    difference: bool
    hidden: bool
    hidden_reason: str | None
    hidden_by: str | None
    data_product_id: int | None
    calibration_id: int | None
    plane: int | None
    camera_id: int | None
    observers: list[str]
    owner_id: int | None
    trace_id: str | None


class LightCurve(BaseModel):
    """The points of a target in the order of time."""

    target_id: int
    name: str
    version: int
    points: list[Point]


class Revision(BaseModel):
    """One of the values that a point has had."""

    revision: int
    recorded_at: datetime
    value: float | None
    error: float | None
    is_limit: bool
    passband: str
    calibration_request_id: int | None
    calibration_id: int | None
    method: str
    software_version: str
    facility: str
    current: bool


class PointDetails(Point):
    """A point with all that is known of it."""

    target_id: int
    record: str
    component: str
    error_budget: dict[str, Any]
    other_fluxes: dict[str, Any]
    zero_point: dict[str, Any]
    quality: dict[str, Any]
    passband_as_reported: str
    time_as_reported: str
    time_scale_as_reported: str
    limit_definition: str
    citation: str
    source_url: str
    revisions: list[Revision]


class Hiding(BaseModel):
    """Why a point is hidden."""

    reason: Annotated[str, Field(max_length=5000)]


class Unhiding(BaseModel):
    """Why a point is shown again."""

    reason: Annotated[str, Field(max_length=5000)] = ""
