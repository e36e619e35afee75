"""Records what upload asks for."""

from bhtom_contracts.events.frames import FitsUploaded
from bhtom_cpcs.calibrations import service
from bhtom_runtime.service import Received, Subscription
from bhtom_runtime.unit_of_work import UnitOfWork


async def on_fits_uploaded(uow: UnitOfWork, event: Received) -> None:
    """A frame asks to be calibrated."""
    assert isinstance(event.payload, FitsUploaded)  # noqa: S101 - narrows the type
    await service.receive(uow, event.payload)


SUBSCRIPTIONS = (Subscription(FitsUploaded, on_fits_uploaded),)
