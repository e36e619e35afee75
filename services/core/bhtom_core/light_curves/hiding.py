"""Hiding and showing points: what people decide, which no recording changes."""

from sqlalchemy import func

from bhtom_core.light_curves import store
from bhtom_core.light_curves.domain import checked_reason
from bhtom_core.light_curves.settling import touch
from bhtom_core.rows import Record
from bhtom_core.visibility import Reader
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Conflict, Forbidden, NotFound
from bhtom_runtime.unit_of_work import UnitOfWork


async def hide(unit: UnitOfWork, caller: Principal, point_id: int, reason: str) -> None:
    """Take a point off the light curve, with a reason."""
    told = checked_reason(reason, required=True)
    point = await _locked(unit, caller, point_id)
    if point.hidden_at is not None:
        raise Conflict(
            "The point is already hidden; unhide it first to give another reason.",
            code="already_hidden",
        )
    await store.update_point(
        unit.connection,
        point_id,
        {
            "hidden_at": func.now(),
            "hidden_by": caller.user_id,
            "hidden_reason": told,
        },
    )
    touch(unit, point.target_id, point_id)


async def unhide(
    unit: UnitOfWork, caller: Principal, point_id: int, reason: str
) -> None:
    """Put a hidden point back; why, if it is said, stays with it."""
    told = checked_reason(reason, required=False)
    point = await _locked(unit, caller, point_id)
    if point.hidden_at is None:
        raise Conflict("The point is not hidden.", code="not_hidden")
    await store.update_point(
        unit.connection,
        point_id,
        {"hidden_at": None, "hidden_by": None, "hidden_reason": told},
    )
    touch(unit, point.target_id, point_id)


async def _locked(unit: UnitOfWork, caller: Principal, point_id: int) -> Record:
    point = await store.point_for_change(unit.connection, point_id, Reader.of(caller))
    if point is None:
        raise NotFound(f"There is no point {point_id}.", code="point_not_found")
    owners = {point.owner_id, point.target_owner_id}
    if caller.user_id not in owners and not caller.allows("admin"):
        raise Forbidden(
            "Only the owner of the data or of the target, or an administrator, may "
            "hide or show this point.",
            code="not_owner",
        )
    return point
