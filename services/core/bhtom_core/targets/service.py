"""Use cases of targets: make, change, delete, and never have one twice."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import func

from bhtom_core.light_curves.publication import request_publication
from bhtom_core.rows import Record
from bhtom_core.targets import store
from bhtom_core.targets.coordinates import declination, right_ascension
from bhtom_core.targets.domain import (
    DUPLICATE_RADIUS_ARCSEC,
    checked_aliases,
    checked_classification,
    checked_description,
    checked_name,
    name_key,
)
from bhtom_core.targets.positions import MOTION, PLACE, POSITION, settle_position
from bhtom_core.targets.sky import healpix
from bhtom_core.targets.snapshots import target_snapshot
from bhtom_core.targets.store import Cone
from bhtom_core.visibility import Reader
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Conflict, Forbidden, NotFound, Stale
from bhtom_runtime.unit_of_work import UnitOfWork

_CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "name": checked_name,
    "ra": right_ascension,
    "dec": declination,
    "classification": checked_classification,
    "description": checked_description,
}
_NAMES: Final = frozenset({"name", "aliases"})
_SHARING: Final = frozenset({"visibility", "embargo_until"})


class Targets:
    """Makes and changes targets; knows under which address they are shown."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url.rstrip("/")

    async def create(
        self,
        unit: UnitOfWork,
        caller: Principal,
        fields: Mapping[str, Any],
        *,
        allow_close: bool = False,
    ) -> Record:
        """Make a target, unless the caller can see one that it would repeat."""
        values, rows = settle_position(_checked(fields), None)
        values["aliases"] = checked_aliases(values.get("aliases", ()), values["name"])
        values |= _derived(values)
        reader = Reader.of(caller)
        await store.lock_identities(unit.connection)
        await self._refuse_same_name(unit, values["name_keys"], reader)
        if not allow_close:
            await self._refuse_close(unit, values, reader)
            await self._refuse_same_motion(unit, values, reader)
        target_id = await store.insert_target(
            unit.connection, {**values, "owner_id": caller.user_id}
        )
        if rows is not None:
            await store.keep_ephemeris(unit.connection, target_id, rows)
        target = await store.any_target(unit.connection, target_id)
        assert target is not None  # noqa: S101 - narrows the type
        unit.emit(target_snapshot(target))
        return target

    async def change(
        self,
        unit: UnitOfWork,
        caller: Principal,
        target_id: int,
        fields: Mapping[str, Any],
        *,
        allow_close: bool = False,
        seen: Collection[int] | None = None,
    ) -> Record:
        """Change fields of a target; those not given stay.

        Where the caller says which versions he has `seen`, of these only.
        """
        checked = _checked(fields)
        if checked.keys() & (_NAMES | _SHARING | set(POSITION)):
            await store.lock_identities(unit.connection)
        target = await self._own(unit, caller, target_id)
        _refuse_stale(target, seen)
        changes, rows = settle_position(checked, target)
        after = {**target._asdict(), **changes}
        after["aliases"] = checked_aliases(after["aliases"], after["name"])
        if changes.keys() & _NAMES:
            changes["aliases"] = after["aliases"]
        changes |= _derived(after)
        reader = Reader.of(caller)
        if changes.keys() & (_NAMES | _SHARING):
            await self._refuse_same_name(unit, changes["name_keys"], reader, target_id)
        if _differ(target, after, POSITION):
            changes["position_version"] = target.position_version + 1
        if _differ(target, after, PLACE) and not allow_close:
            await self._refuse_close(unit, after, reader, target_id)
        if _differ(target, after, MOTION):
            if not allow_close:
                await self._refuse_same_motion(unit, after, reader, target_id)
            await store.keep_ephemeris(unit.connection, target_id, rows)
        changed = await store.update_target(unit.connection, target_id, changes)
        unit.emit(target_snapshot(changed))
        if fields.keys() & _SHARING:
            await request_publication(unit, target_id)
        return changed

    async def delete(self, unit: UnitOfWork, caller: Principal, target_id: int) -> None:
        """Hide a target for good; its rows stay."""
        await self._own(unit, caller, target_id)
        deleted = await store.update_target(
            unit.connection, target_id, {"deleted_at": func.now()}
        )
        unit.emit(target_snapshot(deleted))
        await request_publication(unit, target_id)

    def link(self, target_id: int) -> str:
        """Where people find a target."""
        return f"{self._public_url}/targets/{quote(str(target_id))}"

    async def _own(self, unit: UnitOfWork, caller: Principal, target_id: int) -> Record:
        target = await store.target_by_id(
            unit.connection, target_id, Reader.of(caller), for_update=True
        )
        if target is None:
            raise NotFound(f"There is no target {target_id}.", code="target_not_found")
        if target.owner_id != caller.user_id and not caller.allows("admin"):
            raise Forbidden(
                f"Only {target.owner}, who owns the target, or an administrator may "
                "change it.",
                code="not_owner",
            )
        return target

    async def _refuse_same_name(
        self,
        unit: UnitOfWork,
        keys: list[str],
        reader: Reader,
        but: int | None = None,
    ) -> None:
        found = await store.same_name(unit.connection, keys, reader, but)
        if found is not None:
            raise self._exists(
                f"There is already a target '{found.name}' with this name or alias.",
                found,
                None,
            )

    async def _refuse_close(
        self,
        unit: UnitOfWork,
        values: Mapping[str, Any],
        reader: Reader,
        but: int | None = None,
    ) -> None:
        if values["ra"] is None or values["dec"] is None:
            return
        cone = Cone(values["ra"], values["dec"], DUPLICATE_RADIUS_ARCSEC / 3600)
        found = await store.nearest(unit.connection, cone, reader, but)
        if found is not None:
            separation = round(found.separation_deg * 3600, 3)
            raise self._exists(
                f"The target '{found.name}' is {separation:.2f} arcsec from these "
                "coordinates; use it, or say that yours is another object "
                "(allow_close).",
                found,
                separation,
            )

    async def _refuse_same_motion(
        self,
        unit: UnitOfWork,
        values: Mapping[str, Any],
        reader: Reader,
        but: int | None = None,
    ) -> None:
        if all(values[name] is None for name in MOTION):
            return
        found = await store.same_motion(unit.connection, values, reader, but)
        if found is not None:
            raise self._exists(
                f"The target '{found.name}' moves by the very same model; use it, or "
                "say that yours is another object (allow_close).",
                found,
                None,
            )

    def _exists(
        self, sentence: str, found: Record, separation: float | None
    ) -> Conflict:
        return Conflict(
            sentence,
            code="target_exists",
            target_id=found.target_id,
            name=found.name,
            separation_arcsec=separation,
            link=self.link(found.target_id),
        )


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(fields)
    for name, check in _CHECKS.items():
        if checked.get(name) is not None:
            checked[name] = check(checked[name])
    return checked


def _derived(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that follow from others."""
    key = name_key(values["name"])
    keys = [key, *(name_key(alias) for alias in values["aliases"])]
    ra, dec = values.get("ra"), values.get("dec")
    return {
        "name_key": key,
        "name_keys": list(dict.fromkeys(keys)),
        "healpix": None if ra is None or dec is None else healpix(ra, dec),
    }


def _differ(before: Record, after: Mapping[str, Any], names: Iterable[str]) -> bool:
    return any(getattr(before, name) != after[name] for name in names)


def _refuse_stale(target: Record, seen: Collection[int] | None) -> None:
    """Keep what another person changed from being overwritten unseen."""
    if seen is None or target.version in seen:
        return
    raise Stale(
        f"'{target.name}' was changed meanwhile: its version is {target.version} now. "
        "Read it again and repeat what you want to change.",
        version=target.version,
    )
