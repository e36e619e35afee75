"""A data product as the API shows it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from bhtom_contracts.events.frames import DataProductState
from bhtom_contracts.outcomes import Outcome


class StageOut(BaseModel):
    """A line of the product's history."""

    stage: str
    state: DataProductState
    message: str
    at: datetime


class PlaneOut(BaseModel):
    """One image plane with its newest answer."""

    plane: int
    plane_count: int
    request_order: int
    state: str
    outcome: Outcome | None
    message: str
    calibration_id: int | None
    point_ids: list[int]


class LinksOut(BaseModel):
    """Where to go from here."""

    self: str
    file: str
    calibrations: str
    plot: str | None
    target: str
    retry: str


class DataProductOut(BaseModel):
    """A data product, with its stages where one product is asked for."""

    data_product_id: int
    kind: str
    state: DataProductState
    outcome: Outcome | None
    message: str
    advice: str
    retryable: bool
    file_name: str
    size_bytes: int
    sha256: str
    target_id: int
    target_name: str
    camera_id: int | None
    oname: str
    owner_id: int
    owner: str
    observers: list[str]
    dry_run: bool
    batch: str | None
    comment: str
    requested_filter: str
    visibility: Literal["private", "groups", "public"]
    created_at: datetime
    modified_at: datetime
    trace_id: str | None
    version: int
    stages: list[StageOut] | None = None
    # The plane that holds the target, as far as is known; it speaks for the product.
    target_plane: int | None = None
    planes: list[PlaneOut]
    links: LinksOut


class DataProductPage(BaseModel):
    """A page of data products."""

    items: list[DataProductOut]
    next_cursor: str | None


class RetryIn(BaseModel):
    """Other parameters for the next calibration; what is missing stays as it was."""

    filter: str | None = None
    match_radius: float | None = None
    # Of an instrumental catalogue: the middle of its exposure.
    mjd: float | None = None
