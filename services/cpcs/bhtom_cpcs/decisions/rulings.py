"""A person overrules what the stars show: an explicit, signed step."""

import structlog

from bhtom_contracts.passbands import PASSBANDS, bands_of_catalogue
from bhtom_cpcs.decisions import store
from bhtom_cpcs.decisions.domain import RulingKind
from bhtom_cpcs.decisions.schemas import RulingIn
from bhtom_cpcs.decisions.service import settle_filter
from bhtom_cpcs.decisions.store import FilterKey
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Conflict, Invalid, NotFound
from bhtom_runtime.unit_of_work import UnitOfWork

_logger = structlog.get_logger(__name__)


async def rule(
    uow: UnitOfWork, camera_id: int, wanted: RulingIn, caller: Principal
) -> None:
    """Write a ruling and settle its filter anew."""
    key = FilterKey(camera_id, wanted.filter_card, wanted.declared_filter)
    bounds = (wanted.valid_from_mjd, wanted.valid_until_mjd)
    if wanted.kind is RulingKind.FORCE:
        _check_known(wanted.passband)
    if wanted.kind is RulingKind.SETTLE:
        bounds = await _proposed(uow, key, wanted)
    ruling_id = await store.keep_ruling(
        uow,
        {
            "camera_id": camera_id,
            "filter_card": key.filter_card,
            "declared_filter": key.declared_filter,
            "kind": wanted.kind,
            "passband": wanted.passband,
            "valid_from_mjd": bounds[0],
            "valid_until_mjd": bounds[1],
            "why": wanted.why,
            "user_id": caller.user_id,
            "username": caller.username,
        },
    )
    await settle_filter(uow, key)
    _logger.info("filter ruled on", camera_id=camera_id, ruling_id=ruling_id)


def _check_known(passband: str | None) -> None:
    """A band that no catalogue has would leave every frame of the card without one."""
    if passband not in PASSBANDS:
        catalogue = str(passband).partition("/")[0]
        known = bands_of_catalogue(catalogue)
        names = [f"{catalogue}/{band}" for band in known] or list(PASSBANDS)
        raise Invalid(
            f"There is no passband {passband}: write one of {', '.join(names)}.",
            code="unknown_passband",
        )


async def _proposed(
    uow: UnitOfWork, key: FilterKey, wanted: RulingIn
) -> tuple[float | None, float | None]:
    """The time for which the stars propose a passband that they do not yet settle."""
    await store.one_at_a_time(uow, f"filter {key}")
    known = await store.settlement(uow, key)
    for band in known.intervals if known is not None else ():
        if band["provisional"] and band["passband"] == wanted.passband:
            return band["valid_from_mjd"], band["valid_until_mjd"]
    raise Conflict(
        f"No frames propose {wanted.passband} for the card '{key.filter_card}' of this "
        "camera: look at its decisions, or force the passband.",
        code="nothing_proposed",
    )


async def withdraw(
    uow: UnitOfWork, camera_id: int, ruling_id: int, caller: Principal
) -> None:
    """Take a ruling back and settle its filter anew."""
    row = await store.withdraw_ruling(uow, camera_id, ruling_id, caller.username)
    if row is None:
        raise NotFound(f"There is no ruling {ruling_id} on this camera that holds.")
    await settle_filter(uow, FilterKey(camera_id, row.filter_card, row.declared_filter))
    _logger.info("ruling withdrawn", camera_id=camera_id, ruling_id=ruling_id)
