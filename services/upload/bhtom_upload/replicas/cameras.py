"""Cameras: followed by events, and asked for at core when the copy would refuse."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select

from bhtom_contracts.events.cameras import CameraChanged, CameraPin
from bhtom_runtime.database import Database
from bhtom_runtime.errors import Invalid
from bhtom_runtime.replicas import OwnerClient, apply_snapshot
from bhtom_runtime.service import Received
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.replicas.tables import camera_replicas


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera, with what decides whether its frames are taken."""

    camera_id: int
    oname: str
    pin: CameraPin
    approval: str
    active: bool

    @property
    def takes_uploads(self) -> bool:
        """Whether frames of it are taken."""
        return self.active and self.approval == "approved"


async def keep_camera(unit: UnitOfWork, epoch: int, camera: CameraChanged) -> None:
    """Take a camera's snapshot if it is newer than what is here."""
    values = {
        "camera_id": camera.camera.camera_id,
        "epoch": epoch,
        "aggregate_version": camera.aggregate_version,
        "oname": camera.camera.oname,
        "camera": camera.camera.model_dump(mode="json"),
        "owner_id": camera.owner_id,
        "approval": camera.approval,
        "active": camera.active,
        "deleted_at": camera.deleted_at,
    }
    await apply_snapshot(unit, camera_replicas, values, keys=("camera_id",))


async def on_camera(unit: UnitOfWork, event: Received) -> None:
    """Follow core's cameras."""
    assert isinstance(event.payload, CameraChanged)  # noqa: S101 - narrows the type
    await keep_camera(unit, event.envelope.epoch, event.payload)


class Cameras:
    """Finds the camera of an upload; only core says no."""

    def __init__(self, database: Database, owner: OwnerClient, core_url: str) -> None:
        self._database = database
        self._owner = owner
        self._core_url = core_url

    async def usable(self, oname: str) -> Camera:
        """The camera of exactly this ONAME, which must be active."""
        return _usable(await self._by_oname(oname), oname)

    async def usable_or_numbered(self, reference: str) -> Camera:
        """The camera of exactly this ONAME or, for a number, of this id."""
        found = await self._by_oname(reference)
        if found is None and reference.isascii() and reference.isdigit():
            found = await self._by_id(int(reference), must_be_usable=True)
        return _usable(found, reference)

    async def numbered(self, camera_id: int) -> Camera:
        """The camera of this id, active or not."""
        found = await self._by_id(camera_id, must_be_usable=False)
        if found is None:
            raise _unknown(str(camera_id))
        return found

    async def _by_oname(self, oname: str) -> Camera | None:
        matches = camera_replicas.c.oname == oname
        path, params = "/internal/cameras/by-oname", {"oname": oname}
        return await self._find(matches, path, params, must_be_usable=True)

    async def _by_id(self, camera_id: int, *, must_be_usable: bool) -> Camera | None:
        if camera_id >= 1 << 63:
            return None
        matches = camera_replicas.c.camera_id == camera_id
        path = f"/internal/cameras/{camera_id}"
        return await self._find(matches, path, {}, must_be_usable=must_be_usable)

    async def _find(
        self,
        matches: ColumnElement[bool],
        path: str,
        params: dict[str, str],
        *,
        must_be_usable: bool,
    ) -> Camera | None:
        found = await self._read(matches)
        if found is not None and (found.takes_uploads or not must_be_usable):
            return found
        answer = await self._owner.get_json(self._core_url, path, params)
        if answer is None:
            return None
        snapshot = CameraChanged.model_validate(answer["snapshot"])
        async with self._database.unit_of_work() as unit:
            await keep_camera(unit, answer["epoch"], snapshot)
        return await self._read(
            camera_replicas.c.camera_id == snapshot.camera.camera_id
        )

    async def _read(self, matches: ColumnElement[bool]) -> Camera | None:
        statement = (
            select(camera_replicas)
            .where(matches, camera_replicas.c.deleted_at.is_(None))
            .order_by(camera_replicas.c.active.desc(), camera_replicas.c.camera_id)
            .limit(1)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else _camera_of(row)


def _camera_of(row: Any) -> Camera:
    pin = CameraPin.model_validate(row.camera)
    return Camera(row.camera_id, row.oname, pin, row.approval, row.active)


def _usable(camera: Camera | None, reference: str) -> Camera:
    if camera is None:
        raise _unknown(reference)
    if camera.takes_uploads:
        return camera
    reasons = {
        "pending": "an administrator has yet to approve it",
        "rejected": "an administrator has refused it",
        "approved": "its owner or an administrator has to activate it",
    }
    raise Invalid(
        f"Camera '{camera.oname}' is not active: {reasons[camera.approval]}.",
        code="inactive_camera",
    )


def _unknown(reference: str) -> Invalid:
    return Invalid(
        f"Camera '{reference}' does not exist: register it, or check its name "
        "(<observatory>_<camera>).",
        code="unknown_camera",
    )
