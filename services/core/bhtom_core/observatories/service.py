"""Use cases of observatories and cameras: register, change, approve, activate."""

from collections.abc import Mapping
from typing import Any, Final

from bhtom_contracts.events.cameras import CameraProposed
from bhtom_core.observatories import store
from bhtom_core.observatories.acceptance import STATED, AcceptanceRule
from bhtom_core.observatories.domain import (
    check_figures,
    checked_keyword,
    checked_part_name,
    checked_text,
    oname_of,
)
from bhtom_core.observatories.snapshots import camera_snapshot
from bhtom_core.rows import Record
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Conflict, Forbidden, NotFound
from bhtom_runtime.unit_of_work import UnitOfWork

_SITE: Final = ("longitude", "latitude", "altitude")
_TEXTS: Final = ("telescope", "comment")
_KEYWORDS: Final = (
    "date_keyword",
    "time_keyword",
    "exposure_time_keyword",
    "filter_keyword",
)
_CAMERA: Final = (
    "gain",
    "readout_noise",
    "saturation_level",
    "pixel_scale",
    "binning",
    "second_order_extinction",
    "learned",
    *_KEYWORDS,
)


async def create_observatory(
    unit: UnitOfWork, caller: Principal, fields: Mapping[str, Any]
) -> int:
    """Register an observatory; its name is unique and stays."""
    values = _checked_site(fields)
    values["name"] = checked_part_name("name", fields["name"])
    await store.lock_names(unit.connection)
    found = await store.observatory_by_name(unit.connection, values["name"])
    if found is not None:
        raise Conflict(
            f"There is already an observatory '{found.name}'; use it, or choose "
            "another name.",
            code="observatory_exists",
            observatory_id=found.observatory_id,
        )
    return await store.insert_observatory(
        unit.connection, {**values, "owner_id": caller.user_id}
    )


async def change_observatory(
    unit: UnitOfWork, caller: Principal, observatory_id: int, fields: Mapping[str, Any]
) -> None:
    """Change an observatory; another site is a new version of each of its cameras."""
    observatory = await store.observatory_by_id(
        unit.connection, observatory_id, for_update=True
    )
    if observatory is None:
        raise _no_observatory(observatory_id)
    _allow(caller, observatory, "observatory")
    values = _checked_site(fields)
    await store.update_observatory(unit.connection, observatory_id, values)
    site: dict[str, Any] = {name: values[name] for name in _SITE if name in values}
    if all(getattr(observatory, name) == value for name, value in site.items()):
        return
    for camera in await store.cameras_of(unit.connection, observatory_id):
        await _add_version(unit, caller.user_id, camera, site)


async def create_camera(
    unit: UnitOfWork, caller: Principal, fields: Mapping[str, Any]
) -> int:
    """Register a camera; it waits for an administrator's approval."""
    name = checked_part_name("camera_name", fields["camera_name"])
    await store.lock_names(unit.connection)
    observatory = await store.observatory_by_id(
        unit.connection, fields["observatory_id"], for_update=True
    )
    if observatory is None:
        raise _no_observatory(fields["observatory_id"])
    oname = oname_of(observatory.name, name)
    found = await store.camera_by_oname(unit.connection, oname)
    if found is not None:
        raise Conflict(
            f"There is already a camera '{found.oname}'; use it, or choose another "
            "name.",
            code="camera_exists",
            camera_id=found.camera_id,
        )
    camera_id = await store.insert_camera(
        unit.connection,
        {
            "observatory_id": observatory.observatory_id,
            "camera_name": name,
            "oname": oname,
            "owner_id": caller.user_id,
        },
    )
    await store.insert_camera_version(
        unit.connection,
        {
            "camera_id": camera_id,
            "camera_version": 1,
            "observatory_name": observatory.name,
            **{part: getattr(observatory, part) for part in _SITE},
            **_checked_camera(fields),
            "created_by": caller.user_id,
        },
    )
    await _emit(unit, camera_id)
    return camera_id


async def change_camera(
    unit: UnitOfWork, caller: Principal, camera_id: int, fields: Mapping[str, Any]
) -> None:
    """Change what a camera is: a new version, or nothing when all is the same."""
    camera = await _locked(unit, camera_id)
    _allow(caller, camera, "camera")
    values = _checked_camera(fields)
    if any(getattr(camera, name) != value for name, value in values.items()):
        note = checked_text("note", fields.get("note", ""), 500)
        await _add_version(unit, caller.user_id, camera, {**values, "note": note})


async def decide(
    unit: UnitOfWork, caller: Principal, camera_id: int, approved: bool, reason: str
) -> None:
    """Approve a camera, which activates it, or reject it, which stops its use."""
    await _locked(unit, camera_id)
    changed = await store.update_camera(
        unit.connection,
        camera_id,
        {
            "approval": "approved" if approved else "rejected",
            "approval_reason": checked_text("reason", reason, 500),
            "approved_by": caller.user_id,
            "active": approved,
        },
    )
    unit.emit(camera_snapshot(changed))


async def activate(
    unit: UnitOfWork, caller: Principal, camera_id: int, active: bool
) -> None:
    """Allow or stop the use of an approved camera."""
    camera = await _locked(unit, camera_id)
    _allow(caller, camera, "camera")
    if active and camera.approval != "approved":
        raise Conflict(
            f"The camera {camera.oname} is {camera.approval}; an administrator must "
            "approve it first.",
            code="camera_not_approved",
        )
    if camera.active != active:
        changed = await store.update_camera(
            unit.connection, camera_id, {"active": active}
        )
        unit.emit(camera_snapshot(changed))


async def follow_rule(
    unit: UnitOfWork, caller: Principal, camera_id: int, follows: bool
) -> None:
    """Let the operator's rule accept what a camera's frames teach, or not."""
    camera = await _locked(unit, camera_id)
    _allow(caller, camera, "camera")
    if camera.follows_rule != follows:
        changed = await store.update_camera(
            unit.connection, camera_id, {"follows_rule": follows}
        )
        unit.emit(camera_snapshot(changed))


async def restore_version(
    unit: UnitOfWork, caller: Principal, camera_id: int, number: int, reason: str
) -> None:
    """Make an earlier version the newest one again; its site stays as it is now.

    What a person takes back no rule puts on again: the camera stops following it.
    """
    camera = await _locked(unit, camera_id)
    _allow(caller, camera, "camera")
    earlier = await store.version_of(unit.connection, camera_id, number)
    if earlier is None:
        raise NotFound(f"The camera {camera.oname} has no version {number}.")
    why = checked_text("reason", reason, 500)
    note = f"Version {number} again." + (f" {why}" if why else "")
    values = {name: getattr(earlier, name) for name in _CAMERA}
    await store.update_camera(unit.connection, camera_id, {"follows_rule": False})
    await _add_version(unit, caller.user_id, camera, {**values, "note": note})


async def accept_by_rule(
    unit: UnitOfWork, rule: AcceptanceRule, proposed: CameraProposed
) -> str | None:
    """Make a proposal a camera's version where the rule accepts it, else why not."""
    camera = await store.camera_by_id(
        unit.connection, proposed.camera_id, for_update=True
    )
    if camera is None or camera.deleted_at is not None or not camera.active:
        return "The camera is not in use."
    if not camera.follows_rule:
        return "Its owner decides."
    if why_not := rule.objection(camera, proposed):
        return why_not
    figures = {
        name: value for name in STATED if (value := getattr(proposed, name)) is not None
    }
    await _add_version(
        unit,
        None,
        camera,
        {
            **figures,
            "learned": proposed.learned.model_dump(mode="json"),
            "note": f"Accepted by the operator's rule ({rule.text}). {proposed.note}",
        },
    )
    return None


async def _add_version(
    unit: UnitOfWork,
    user_id: int | None,
    camera: Record,
    changes: Mapping[str, Any],
) -> None:
    number = camera.camera_version + 1
    kept = (*_SITE, *_CAMERA, "observatory_name")
    await store.insert_camera_version(
        unit.connection,
        {
            **{name: getattr(camera, name) for name in kept},
            **changes,
            "camera_id": camera.camera_id,
            "camera_version": number,
            "created_by": user_id,
        },
    )
    changed = await store.update_camera(
        unit.connection, camera.camera_id, {"camera_version": number}
    )
    unit.emit(camera_snapshot(changed))


async def _emit(unit: UnitOfWork, camera_id: int) -> None:
    camera = await store.camera_by_id(unit.connection, camera_id)
    assert camera is not None  # noqa: S101 - it was just made
    unit.emit(camera_snapshot(camera))


async def _locked(unit: UnitOfWork, camera_id: int) -> Record:
    camera = await store.camera_by_id(unit.connection, camera_id, for_update=True)
    if camera is None or camera.deleted_at is not None:
        raise NotFound(f"There is no camera {camera_id}.", code="camera_not_found")
    return camera


def _allow(caller: Principal, thing: Record, kind: str) -> None:
    if thing.owner_id != caller.user_id and not caller.allows("admin"):
        raise Forbidden(
            f"Only {thing.owner}, who owns the {kind}, or an administrator may "
            "change it.",
            code="not_owner",
        )


def _no_observatory(observatory_id: int) -> NotFound:
    return NotFound(
        f"There is no observatory {observatory_id}.", code="observatory_not_found"
    )


def _checked_site(fields: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: value for name, value in fields.items() if name != "name"}
    for name in _TEXTS:
        if name in values:
            values[name] = checked_text(name, values[name])
    return values


def _checked_camera(fields: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: fields[name] for name in _CAMERA if name in fields}
    for name in _KEYWORDS:
        if name in values:
            values[name] = checked_keyword(name, values[name])
    check_figures(values)
    return values
