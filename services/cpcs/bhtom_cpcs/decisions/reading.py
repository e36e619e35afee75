"""What was decided about a target, as far as a reader may see its frames."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Table, and_, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_cpcs.decisions import domain
from bhtom_cpcs.decisions.domain import MeasuredMagnitude
from bhtom_cpcs.decisions.scene_store import scene_rulings
from bhtom_cpcs.decisions.schemas import (
    ColourOut,
    LearntOut,
    MeanPositionOut,
    PinOut,
    SceneOut,
    SceneRulingOut,
    TargetDecisions,
)
from bhtom_cpcs.decisions.tables import (
    CATALOGUE_PINS,
    MEAN_POSITIONS,
    SCENES,
    TARGET_EVIDENCE,
)
from bhtom_cpcs.replicas.tables import TARGETS
from bhtom_cpcs.replicas.visibility import is_open, is_withdrawn, may_see
from bhtom_cpcs.science.decisions import SAME_NIGHT_DAYS
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Forbidden, NotFound

# Of a target's scenes and of its newest rulings.
_MOST_SHOWN: Final = 500


def _columns(row: Any, model: Any, *without: str) -> dict[str, Any]:
    return {
        name: getattr(row, name) for name in model.model_fields if name not in without
    }


def _may_see_target(caller: Principal | None) -> ColumnElement[bool]:
    if caller is None or not caller.allows("read"):
        return is_open(TARGETS)
    if caller.allows("admin"):
        return true()
    return or_(is_open(TARGETS), TARGETS.c.owner_id == caller.user_id)


async def target_decisions(
    connection: AsyncConnection, target_id: int, caller: Principal | None
) -> TargetDecisions:
    """What was decided about a target that the caller may see."""
    await _target_owner(connection, target_id, caller)
    rulings = await scene_rulings(connection, target_id, _MOST_SHOWN)
    mean = await _newest(connection, MEAN_POSITIONS, target_id)
    seen = await _calibrations_seen(connection, target_id, caller)
    points = set(seen.values())
    scenes = await _scenes(connection, target_id, seen)
    return TargetDecisions(
        target_id=target_id,
        scene=scenes[0] if scenes else None,
        earlier_scenes=scenes[1:],
        scene_rulings=[
            SceneRulingOut(
                ruling_id=row.id,
                ra_deg=row.ra,
                dec_deg=row.dec,
                **_columns(row, SceneRulingOut, "ruling_id", "ra_deg", "dec_deg"),
            )
            for row in rulings
        ],
        mean_position=(
            None if mean is None else MeanPositionOut(**_columns(mean, MeanPositionOut))
        ),
        colours=await _colours(connection, target_id, caller),
        catalogue_pins=[
            PinOut(**_columns(row, PinOut) | _known(row, seen))
            for row in await _pins(connection, target_id)
            if (row.camera_id, row.passband) in points
        ],
    )


async def _calibrations_seen(
    connection: AsyncConnection, target_id: int, caller: Principal | None
) -> dict[int, tuple[int, str]]:
    """Calibrations of a target that the caller may see, of which camera and band."""
    table = TARGET_EVIDENCE
    statement = select(
        table.c.calibration_id, table.c.camera_id, table.c.passband
    ).where(
        table.c.target_id == target_id, ~is_withdrawn(table), may_see(caller, table)
    )
    rows = await connection.execute(statement)
    return {row.calibration_id: (row.camera_id, row.passband) for row in rows}


def _known(row: Row[Any], seen: Collection[int]) -> dict[str, int | None]:
    """The calibration that decided it, where the caller may know of that one."""
    known = row.calibration_id in seen
    return {"calibration_id": row.calibration_id if known else None}


async def _pins(connection: AsyncConnection, target_id: int) -> Sequence[Row[Any]]:
    """What the target's passbands are tied to."""
    table = CATALOGUE_PINS
    statement = (
        select(table)
        .where(table.c.target_id == target_id)
        .order_by(table.c.camera_id, table.c.catalogue, table.c.passband)
    )
    return (await connection.execute(statement)).all()


async def _target_owner(
    connection: AsyncConnection, target_id: int, caller: Principal | None
) -> int:
    """The owner of a target that the caller may see."""
    known = select(TARGETS.c.owner_id).where(
        TARGETS.c.target_id == target_id,
        TARGETS.c.deleted_at.is_(None),
        _may_see_target(caller),
    )
    owner_id = await connection.scalar(known)
    if owner_id is None:
        raise NotFound(f"There is no target {target_id} that you may see.")
    return int(owner_id)


async def check_may_rule_on_target(
    connection: AsyncConnection, target_id: int, caller: Principal
) -> None:
    """Only a target's owner and administrators drop stars from its scene."""
    owner_id = await _target_owner(connection, target_id, caller)
    if caller.user_id != owner_id and not caller.allows("admin"):
        raise Forbidden(
            "Only the target's owner or an administrator can rule on its scene."
        )


async def _scenes(
    connection: AsyncConnection, target_id: int, seen: Collection[int]
) -> list[SceneOut]:
    """Versions of a target's scene, the newest first."""
    statement = (
        select(SCENES)
        .where(SCENES.c.target_id == target_id)
        .order_by(SCENES.c.version.desc())
        .limit(_MOST_SHOWN)
    )
    return [
        SceneOut(
            **_columns(row, SceneOut, "learnt", "calibration_id")
            | _known(row, seen)
            | {"learnt": [_learnt(star, seen) for star in row.learnt]},
        )
        for row in await connection.execute(statement)
    ]


def _learnt(star: Mapping[str, Any], seen: Collection[int]) -> LearntOut:
    found_in = [number for number in star["found_in"] if number in seen]
    return LearntOut(**{**star, "found_in": found_in})


async def _newest(connection: AsyncConnection, table: Table, target_id: int) -> Any:
    counts = [] if "withdrawn_at" not in table.c else [table.c.withdrawn_at.is_(None)]
    statement = (
        select(table)
        .where(table.c.target_id == target_id, *counts)
        .order_by(table.c.version.desc())
        .limit(1)
    )
    return (await connection.execute(statement)).first()


async def _colours(
    connection: AsyncConnection, target_id: int, caller: Principal | None
) -> list[ColourOut]:
    """Colours of the newest night of which the caller may see the frames."""
    table = TARGET_EVIDENCE
    seen = and_(
        table.c.target_id == target_id,
        table.c.magnitude.is_not(None),
        ~is_withdrawn(table),
        may_see(caller, table),
    )
    newest = select(func.max(table.c.mid_exposure_mjd)).where(seen).scalar_subquery()
    statement = (
        select(
            table.c.passband,
            table.c.magnitude,
            table.c.magnitude_error,
            table.c.mid_exposure_mjd,
        )
        .where(seen, table.c.mid_exposure_mjd > newest - SAME_NIGHT_DAYS)
        .order_by(table.c.mid_exposure_mjd, table.c.data_product_id, table.c.plane)
    )
    magnitudes = [
        MeasuredMagnitude(*row) for row in await connection.execute(statement)
    ]
    return [
        ColourOut(
            blue_passband=colour.blue_passband,
            red_passband=colour.red_passband,
            value=colour.value_mag,
            error=colour.error_mag,
            source=colour.source,
        )
        for colour in domain.colours(target_id, magnitudes)
    ]
