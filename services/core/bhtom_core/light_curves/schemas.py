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


class LeftOut(BaseModel):
    """Points that are left out unless `hidden` ones are asked for."""

    hidden: int = Field(description="Hidden by people.")
    poor: int = Field(description="Of a poor zero point.")


class LightCurve(BaseModel):
    """The points of a target in the order of time."""

    target_id: int
    name: str
    version: int
    left_out: LeftOut
    points: list[Point]


class FlagEntry(BaseModel):
    """A quality word that occurs, in sentences."""

    word: int
    texts: list[str]
    poor: bool
    provisional: bool


class PlotColumns(BaseModel):
    """One element a point in each; `passband`, `facility`, `flags` are places in lists.

    `magnitude` is where a point is drawn: a limit at 3 sigma. Limits have no error.
    """

    point_id: list[int]
    mjd: list[float]
    magnitude: list[float]
    error: list[float | None]
    is_limit: list[int]
    hidden: list[int]
    passband: list[int]
    facility: list[int]
    flags: list[int]


class LightCurveColumns(BaseModel):
    """A light curve as a plot needs it, in the order of time."""

    target_id: int
    name: str
    version: int
    left_out: LeftOut
    point_count: int
    not_magnitudes: int = Field(description="Points that are no magnitudes: not here.")
    passbands: list[str]
    facilities: list[str]
    flags: list[FlagEntry]
    columns: PlotColumns


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
