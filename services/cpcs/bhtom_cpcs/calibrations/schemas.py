"""Calibrations as the API shows them."""

from typing import Any

from pydantic import AwareDatetime, BaseModel

from bhtom_contracts.events.cameras import CameraPin
from bhtom_contracts.events.frames import CalibrationParameters, Purpose, TargetPin
from bhtom_contracts.outcomes import Outcome


class CalibrationLinks(BaseModel):
    """Where a calibration's things are."""

    plot: str | None
    explanation: str | None
    details: str | None


class PinnedInputs(BaseModel):
    """What the request pinned, so that the calibration can be repeated."""

    target: TargetPin
    camera: CameraPin
    parameters: CalibrationParameters
    decisions: dict[str, Any] | None


class Calibration(BaseModel):
    """What became of one image plane of a data product, with all its figures."""

    calibration_id: int
    calibration_request_id: int
    data_product_id: int
    request_order: int
    plane: int
    plane_count: int
    purpose: Purpose
    outcome: Outcome
    message: str
    advice: str
    started_at: AwareDatetime
    finished_at: AwareDatetime
    reduction_time: float
    software_version: str
    settings_version: str
    fingerprint: str | None
    has_plot: bool
    inputs: PinnedInputs
    result: dict[str, Any]
    links: CalibrationLinks


class CalibrationList(BaseModel):
    """One page of calibrations, newest first."""

    items: list[Calibration]
    next_cursor: str | None
