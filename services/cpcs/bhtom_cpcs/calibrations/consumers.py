"""Records what upload asks for."""

import structlog

from bhtom_contracts.events.frames import FitsUploaded
from bhtom_cpcs.calibrations import service
from bhtom_runtime.service import Received, Subscription
from bhtom_runtime.unit_of_work import UnitOfWork

_logger = structlog.get_logger(__name__)


async def on_fits_uploaded(uow: UnitOfWork, event: Received) -> None:
    """A frame asks to be calibrated."""
    assert isinstance(event.payload, FitsUploaded)  # noqa: S101 - narrows the type
    request = event.payload
    await service.receive(uow, request)
    _logger.info(
        "calibration requested",
        data_product_id=request.data_product_id,
        calibration_request_id=request.calibration_request_id,
    )


SUBSCRIPTIONS = (Subscription(FitsUploaded, on_fits_uploaded),)
