"""Asks for another calibration of a product that is already here."""

from bhtom_contracts.events.frames import CalibrationParameters
from bhtom_runtime.auth import Principal
from bhtom_runtime.database import Database
from bhtom_runtime.errors import Conflict, Forbidden, NotFound
from bhtom_upload.data_products import request_store, store
from bhtom_upload.data_products.domain import State
from bhtom_upload.data_products.reading import Reader
from bhtom_upload.data_products.requests import Pins, request_calibration
from bhtom_upload.data_products.schemas import RetryIn
from bhtom_upload.intake import fields
from bhtom_upload.replicas.directory import Directory


async def retry(
    database: Database,
    directory: Directory,
    reader: Reader,
    data_product_id: int,
    caller: Principal,
    wanted: RetryIn,
) -> None:
    """Make a new request, with the target and the camera as they are now."""
    seen = await reader.one(data_product_id, caller)
    if seen.owner_id != caller.user_id and not caller.allows("admin"):
        raise Forbidden("Only its owner or an administrator can retry an upload.")
    assert seen.camera_id is not None  # noqa: S101 - frames have a camera
    target = await directory.targets.numbered(seen.target_id, caller)
    camera = await directory.cameras.numbered(seen.camera_id)
    async with database.unit_of_work() as unit:
        product = await store.lock_product(unit, data_product_id)
        if product is None:
            raise NotFound(f"There is no data product {data_product_id}.")
        if product.state is State.DELETED:
            raise Conflict("This upload was deleted: upload the file again.")
        newest = await request_store.newest_request(unit, data_product_id)
        await request_calibration(
            unit,
            product,
            Pins(target.pin, camera.pin),
            _changed(newest.parameters, wanted),
            newest.observers,
        )


def _changed(before: CalibrationParameters, wanted: RetryIn) -> CalibrationParameters:
    """The parameters with what was asked for; a negative radius means automatic."""
    chosen = before.model_dump() | {"newest_catalogue": False}
    if wanted.filter is not None:
        chosen["requested_filter"] = fields.requested_filter("filter", wanted.filter)
    if wanted.match_radius is not None:
        chosen["match_radius"] = fields.match_radius(
            "match_radius", wanted.match_radius
        )
    if wanted.mjd is not None:
        chosen["mid_exposure_mjd"] = fields.mid_exposure_mjd("mjd", wanted.mjd)
    return CalibrationParameters(**chosen)
