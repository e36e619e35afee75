"""The events that light curves are made from."""

import structlog

from bhtom_contracts.events.calibrations import PhotometryCalibrated
from bhtom_contracts.events.photometry import PhotometryHarvested
from bhtom_core.light_curves.harvesting import record_harvested
from bhtom_core.light_curves.recording import record_calibrated
from bhtom_runtime.service import Received, Subscription
from bhtom_runtime.unit_of_work import UnitOfWork

_logger = structlog.get_logger(__name__)


async def on_calibrated(unit: UnitOfWork, event: Received) -> None:
    """A frame was calibrated."""
    assert isinstance(event.payload, PhotometryCalibrated)  # noqa: S101 - narrows
    await record_calibrated(unit, event.payload)
    _logger.info(
        "calibrated photometry taken",
        data_product_id=event.payload.data_product_id,
        calibration_request_id=event.payload.calibration_request_id,
    )


async def on_harvested(unit: UnitOfWork, event: Received) -> None:
    """An archive was asked."""
    assert isinstance(event.payload, PhotometryHarvested)  # noqa: S101 - narrows
    await record_harvested(unit, event.payload)


SUBSCRIPTIONS = (
    Subscription(PhotometryCalibrated, on_calibrated),
    Subscription(PhotometryHarvested, on_harvested),
)
