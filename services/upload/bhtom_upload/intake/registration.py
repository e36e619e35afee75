"""Makes a stored file a data product, in one transaction with its events."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from bhtom_contracts.events.frames import CalibratedKind
from bhtom_runtime.object_store import StoredObject
from bhtom_runtime.tracing import current_trace_id
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.data_products import request_store, store
from bhtom_upload.data_products.domain import Standing, State
from bhtom_upload.data_products.progress import move
from bhtom_upload.data_products.requests import Pins, request_calibration
from bhtom_upload.data_products.store import Product
from bhtom_upload.data_products.tables import data_products, files
from bhtom_upload.intake.fields import Submission
from bhtom_upload.intake.unpacking import Packing

_PACKED: Final[dict[Packing, str]] = {
    "plain": "plain ",
    "gzip": "gzipped ",
    "bzip2": "bzip2-packed ",
    "xz": "xz-packed ",
    "zip": "zipped ",
    "fpack": "fpacked ",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that was checked and has its place in the store."""

    name: str
    stored: StoredObject
    packing: Packing


@dataclass(frozen=True, slots=True)
class Registered:
    """The product of an upload, and whether this upload made it."""

    data_product_id: int
    is_new: bool
    message: str


def received_message(kind: CalibratedKind, packing: Packing) -> str:
    """What a product's history begins with."""
    if kind == "fits_file":
        return f"Received {_PACKED[packing]}FITS file."
    packed = "" if packing == "plain" else _PACKED[packing]
    return f"Received {packed}instrumental catalogue."


async def register(unit: UnitOfWork, submission: Submission, file: Kept) -> Registered:
    """Find or make the product of a file and ask for what it still needs.

    The same upload twice is one product and one request; other parameters make
    another request of the same product; a dry run is a product of its own.
    """
    await _keep_file(unit, file)
    message = received_message(submission.wishes.kind, file.packing)
    product = await _insert(unit, submission, file)
    if product is not None:
        await store.add_stage(unit, product, "received", message)
        await _request(unit, product, submission)
        return Registered(product.data_product_id, True, message)
    product = await _existing(unit, submission, file)
    if product.state is State.DELETED:
        received = Standing(State.RECEIVED, message)
        product = await move(unit, product, received, stage="received", message=message)
        await _request(unit, product, submission)
    elif await _differs(unit, product, submission):
        await _request(unit, product, submission)
    return Registered(product.data_product_id, False, message)


async def _keep_file(unit: UnitOfWork, file: Kept) -> None:
    await unit.execute(
        insert(files)
        .values(
            sha256=file.stored.sha256,
            size_bytes=file.stored.size_bytes,
            object_key=file.stored.key,
            packing=file.packing,
        )
        .on_conflict_do_nothing(index_elements=[files.c.sha256])
    )


async def _insert(
    unit: UnitOfWork, submission: Submission, file: Kept
) -> Product | None:
    """A new product, None when there is one already."""
    wishes, caller = submission.wishes, submission.caller
    statement = (
        insert(data_products)
        .values(
            kind=wishes.kind,
            owner_id=caller.user_id,
            owner=caller.username,
            sha256=file.stored.sha256,
            target_id=submission.target.target_id,
            target_name=submission.target.name,
            camera_id=submission.camera.camera_id,
            oname=submission.camera.oname,
            dry_run=wishes.dry_run,
            state=State.RECEIVED,
            message=received_message(wishes.kind, file.packing),
            file_name=file.name,
            observers=list(submission.observers),
            requested_filter=wishes.parameters.requested_filter,
            batch=wishes.batch,
            comment=wishes.comment,
            trace_id=current_trace_id(),
        )
        .on_conflict_do_nothing(constraint="uq_data_products_identity")
        .returning(data_products)
    )
    row = (await unit.execute(statement)).one_or_none()
    return None if row is None else store.product_of(row, file.stored.size_bytes)


async def _existing(unit: UnitOfWork, submission: Submission, file: Kept) -> Product:
    """The product that is there already, locked."""
    statement = (
        select(data_products)
        .where(
            data_products.c.owner_id == submission.caller.user_id,
            data_products.c.sha256 == file.stored.sha256,
            data_products.c.kind == submission.wishes.kind,
            data_products.c.target_id == submission.target.target_id,
            data_products.c.camera_id == submission.camera.camera_id,
            data_products.c.dry_run == submission.wishes.dry_run,
        )
        .with_for_update()
    )
    row = (await unit.execute(statement)).one()
    return store.product_of(row, file.stored.size_bytes)


async def _differs(unit: UnitOfWork, product: Product, submission: Submission) -> bool:
    newest = await request_store.newest_request(unit, product.data_product_id)
    return (newest.parameters, newest.observers) != (
        submission.wishes.parameters,
        submission.observers,
    )


async def _request(unit: UnitOfWork, product: Product, submission: Submission) -> None:
    await request_calibration(
        unit,
        product,
        Pins(submission.target.pin, submission.camera.pin),
        submission.wishes.parameters,
        submission.observers,
    )
