"""Use cases: somebody asks for a re-calibration, accepts, stops or resumes it."""

from typing import Any, Final

import structlog

from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Conflict, Forbidden, NotFound
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.intake import fields
from bhtom_upload.recalibrations import store
from bhtom_upload.recalibrations.domain import Move, State, resuming
from bhtom_upload.recalibrations.noticing import ask_for_step
from bhtom_upload.recalibrations.schemas import RecalibrationIn
from bhtom_upload.recalibrations.store import Campaign

_logger = structlog.get_logger(__name__)

# Each has frames under way; more of them at a time would only wait for each other.
MOST_AT_ONCE: Final = 20

_TOLD: Final = {
    Move.ACCEPT: "Accepted: the new values are being recorded.",
    Move.STOP: "Stopped: what was asked for ends, nothing new is asked.",
    Move.DISCARD: "Discarded: nothing was recorded.",
}
_DISCARDED_LATE: Final = (
    "Discarded: what was asked for before it was stopped stays recorded, the rest is "
    "left as it is."
)


async def ask(
    unit: UnitOfWork, wanted: RecalibrationIn, caller: Principal
) -> tuple[int, bool]:
    """Begin a re-calibration; its number, and whether it is a new one."""
    is_admin = caller.allows("admin")
    owner = wanted.selection.owner_id
    if owner not in (None, caller.user_id) and not is_admin:
        raise Forbidden("You can calibrate only your own uploads again.")
    values = _values(wanted)
    recalibration_id = await store.insert_campaign(
        unit,
        {
            **values,
            "user_id": caller.user_id,
            "username": caller.username,
            "by_admin": is_admin,
            "idempotency_key": wanted.idempotency_key,
            "state": State.COLLECTING,
            "message": "The products are being collected.",
        },
    )
    if recalibration_id is None:
        assert wanted.idempotency_key is not None  # noqa: S101 - else it is new
        known = await store.with_key(unit, caller.user_id, wanted.idempotency_key)
        if any(getattr(known, name) != value for name, value in values.items()):
            raise Conflict(
                "This idempotency_key was used for another re-calibration.",
                code="idempotency_key_used",
                recalibration_id=known.recalibration_id,
            )
        return known.recalibration_id, False
    if await store.count_working(unit, caller.user_id) > MOST_AT_ONCE:
        raise Conflict(
            f"{MOST_AT_ONCE} of your re-calibrations are under way: wait for one of "
            "them, or stop it.",
            code="too_many_recalibrations",
        )
    await ask_for_step(unit, recalibration_id, str(caller.user_id))
    _logger.info("re-calibration asked for", recalibration_id=recalibration_id)
    return recalibration_id, True


def _values(wanted: RecalibrationIn) -> dict[str, Any]:
    changes = wanted.changes.model_dump(mode="json")
    if changes["filter"] is not None:
        changes["filter"] = fields.requested_filter("filter", changes["filter"])
    if changes["match_radius"] is not None:
        radius = fields.match_radius("match_radius", changes["match_radius"])
        # Zero means automatic, as for a retry.
        changes["match_radius"] = 0.0 if radius is None else radius
    return {
        "selection": wanted.selection.model_dump(mode="json", exclude_none=True),
        "changes": changes,
        "preview": wanted.preview,
    }


async def _held(unit: UnitOfWork, recalibration_id: int, caller: Principal) -> Campaign:
    campaign = await store.lock(unit, recalibration_id)
    mine = campaign is not None and campaign.user_id == caller.user_id
    if campaign is None or not (mine or caller.allows("admin")):
        raise NotFound(f"There is no re-calibration {recalibration_id} of yours.")
    return campaign


async def accept(unit: UnitOfWork, recalibration_id: int, caller: Principal) -> None:
    """Let what the preview showed be recorded; a second time changes nothing."""
    campaign = await _held(unit, recalibration_id, caller)
    if campaign.state in (State.ACCEPTING, State.DONE):
        return
    if campaign.state is State.COLLECTING:
        raise Conflict("There is nothing to accept yet.", code="recalibration_state")
    await store.move(unit, campaign, Move.ACCEPT, _TOLD[Move.ACCEPT])
    await ask_for_step(unit, recalibration_id, str(caller.user_id))


async def stop(unit: UnitOfWork, recalibration_id: int, caller: Principal) -> None:
    """Ask for nothing more until it is resumed."""
    campaign = await _held(unit, recalibration_id, caller)
    if campaign.state is not State.STOPPED:
        await store.move(unit, campaign, Move.STOP, _TOLD[Move.STOP])


async def resume(unit: UnitOfWork, recalibration_id: int, caller: Principal) -> None:
    """Go on where it was stopped."""
    campaign = await _held(unit, recalibration_id, caller)
    how = resuming(campaign.state, campaign.stopped_from)
    await store.move(unit, campaign, how, "Resumed.")
    await ask_for_step(unit, recalibration_id, str(caller.user_id))


async def discard(unit: UnitOfWork, recalibration_id: int, caller: Principal) -> None:
    """Let everything stand as it is now."""
    campaign = await _held(unit, recalibration_id, caller)
    if campaign.state is not State.DISCARDED:
        late = campaign.stopped_from is State.ACCEPTING
        told = _DISCARDED_LATE if late else _TOLD[Move.DISCARD]
        await store.move(unit, campaign, Move.DISCARD, told)
