"""Targets: followed by events, and asked for at core when the copy would refuse."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from bhtom_contracts.events.frames import TargetPin
from bhtom_contracts.events.targets import TargetChanged, TargetPosition
from bhtom_runtime.auth import Principal
from bhtom_runtime.database import Database
from bhtom_runtime.errors import Invalid
from bhtom_runtime.replicas import OwnerClient, apply_snapshot
from bhtom_runtime.service import Received
from bhtom_runtime.unit_of_work import UnitOfWork
from bhtom_upload.replicas.tables import target_replicas


@dataclass(frozen=True, slots=True)
class Target:
    """A target that the caller may upload to."""

    target_id: int
    name: str
    pin: TargetPin
    visibility: str


async def keep_target(unit: UnitOfWork, epoch: int, target: TargetChanged) -> None:
    """Take a target's snapshot if it is newer than what is here."""
    values = {
        "target_id": target.target_id,
        "epoch": epoch,
        "aggregate_version": target.aggregate_version,
        "name": target.name,
        "position": target.position.model_dump(mode="json"),
        "owner_id": target.owner_id,
        "visibility": target.visibility,
        "embargo_until": target.embargo_until,
        "deleted_at": target.deleted_at,
    }
    await apply_snapshot(unit, target_replicas, values, keys=("target_id",))


async def on_target(unit: UnitOfWork, event: Received) -> None:
    """Follow core's targets."""
    assert isinstance(event.payload, TargetChanged)  # noqa: S101 - narrows the type
    await keep_target(unit, event.envelope.epoch, event.payload)


class Targets:
    """Finds the target of an upload; only core says no."""

    def __init__(self, database: Database, owner: OwnerClient, core_url: str) -> None:
        self._database = database
        self._owner = owner
        self._core_url = core_url

    async def named(self, name: str, caller: Principal) -> Target:
        """The target of exactly this name."""
        found = await self._by_name(name, caller)
        if found is None:
            raise _unknown(name)
        return found

    async def named_or_numbered(self, reference: str, caller: Principal) -> Target:
        """The target of exactly this name or, for a number, of this id."""
        found = await self._by_name(reference, caller)
        if found is None and reference.isascii() and reference.isdigit():
            found = await self._by_id(int(reference), caller)
        if found is None:
            raise _unknown(reference)
        return found

    async def numbered(self, target_id: int, caller: Principal) -> Target:
        """The target of this id."""
        found = await self._by_id(target_id, caller)
        if found is None:
            raise _unknown(str(target_id))
        return found

    async def _by_name(self, name: str, caller: Principal) -> Target | None:
        matches = target_replicas.c.name == name
        # Names of private targets may repeat: core must know who means it.
        params = {"name": name, "user_id": str(caller.user_id)}
        path = "/internal/targets/by-name"
        return await self._find(matches, caller, path, params)

    async def _by_id(self, target_id: int, caller: Principal) -> Target | None:
        if target_id >= 1 << 63:
            return None
        matches = target_replicas.c.target_id == target_id
        return await self._find(matches, caller, f"/internal/targets/{target_id}", {})

    async def _find(
        self,
        matches: ColumnElement[bool],
        caller: Principal,
        path: str,
        params: dict[str, str],
    ) -> Target | None:
        found = await self._read(matches, caller)
        if found is not None:
            return found
        answer = await self._owner.get_json(self._core_url, path, params)
        if answer is None:
            return None
        snapshot = TargetChanged.model_validate(answer["snapshot"])
        async with self._database.unit_of_work() as unit:
            await keep_target(unit, answer["epoch"], snapshot)
        return await self._read(
            target_replicas.c.target_id == snapshot.target_id, caller
        )

    async def _read(
        self, matches: ColumnElement[bool], caller: Principal
    ) -> Target | None:
        statement = select(target_replicas).where(
            matches, target_replicas.c.deleted_at.is_(None)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).all()
        visible = [row for row in rows if _may_see(row, caller)]
        if not visible:
            return None
        # As core orders them: one's own first, then public ones, then by age.
        return _target_of(
            min(
                visible,
                key=lambda row: (
                    row.owner_id != caller.user_id,
                    row.visibility != "public",
                    row.target_id,
                ),
            )
        )


def _may_see(row: Any, caller: Principal) -> bool:
    """Whether the caller may know of the target at all."""
    if caller.allows("admin") or row.owner_id == caller.user_id:
        return True
    embargoed = row.embargo_until is not None and row.embargo_until > datetime.now(UTC)
    return row.visibility == "public" and not embargoed


def _target_of(row: Any) -> Target:
    position = TargetPosition.model_validate(row.position)
    pin = TargetPin(target_id=row.target_id, name=row.name, position=position)
    return Target(row.target_id, row.name, pin, row.visibility)


def _unknown(reference: str) -> Invalid:
    # BHTOM's clients look for "does not exist".
    return Invalid(f"Target '{reference}' does not exist.", code="unknown_target")
