"""Decisions for readers, and who may see and change them."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, func, or_, select, true
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_cpcs.decisions import domain
from bhtom_cpcs.decisions.domain import MeasuredMagnitude
from bhtom_cpcs.decisions.schemas import (
    BandOut,
    CameraDecisions,
    ColourOut,
    FilterOut,
    MeanPositionOut,
    PinOut,
    RulingOut,
    SceneOut,
    TargetDecisions,
)
from bhtom_cpcs.decisions.tables import (
    BAND_RULINGS,
    BAND_SETTLEMENTS,
    CATALOGUE_PINS,
    MEAN_POSITIONS,
    SCENES,
    TARGET_EVIDENCE,
)
from bhtom_cpcs.replicas.tables import CAMERAS, TARGETS
from bhtom_cpcs.science.decisions import SAME_NIGHT_DAYS
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Forbidden, NotFound

# Of a camera's filter cards, by name, and of its newest rulings.
_MOST_SHOWN: Final = 500


async def check_camera(connection: AsyncConnection, camera_id: int) -> int:
    """The owner of a camera that is known here."""
    found = await connection.scalar(
        select(CAMERAS.c.owner_id).where(
            CAMERAS.c.camera_id == camera_id, CAMERAS.c.deleted_at.is_(None)
        )
    )
    if found is None:
        raise NotFound(f"There is no camera {camera_id}.")
    return int(found)


async def check_may_rule(
    connection: AsyncConnection, camera_id: int, caller: Principal
) -> None:
    """Only a camera's owner and administrators overrule what its stars show."""
    owner_id = await check_camera(connection, camera_id)
    if caller.user_id != owner_id and not caller.allows("admin"):
        raise Forbidden(
            "Only the camera's owner or an administrator can rule on its filters."
        )


async def camera_decisions(
    connection: AsyncConnection, camera_id: int
) -> CameraDecisions:
    """What was decided about a camera's filters, and what people ruled."""
    await check_camera(connection, camera_id)
    settled, rulings = BAND_SETTLEMENTS, BAND_RULINGS
    newest = (
        select(settled)
        .ext(distinct_on(settled.c.filter_card, settled.c.declared_filter))
        .where(settled.c.camera_id == camera_id)
        .order_by(
            settled.c.filter_card, settled.c.declared_filter, settled.c.version.desc()
        )
        .limit(_MOST_SHOWN)
    )
    ruled = (
        select(rulings)
        .where(rulings.c.camera_id == camera_id)
        .order_by(rulings.c.id.desc())
        .limit(_MOST_SHOWN)
    )
    return CameraDecisions(
        camera_id=camera_id,
        filters=[
            FilterOut(
                filter_card=row.filter_card,
                declared_filter=row.declared_filter,
                version=row.version,
                decided_at=row.decided_at,
                bands=[BandOut.model_validate(band) for band in row.intervals],
            )
            for row in await connection.execute(newest)
        ],
        rulings=[
            RulingOut(ruling_id=row.id, **_columns(row, RulingOut, "ruling_id"))
            for row in reversed((await connection.execute(ruled)).all())
        ],
    )


def _columns(row: Any, model: Any, *without: str) -> dict[str, Any]:
    return {
        name: getattr(row, name) for name in model.model_fields if name not in without
    }


def _is_open(table: Table) -> ColumnElement[bool]:
    return and_(
        table.c.visibility == "public",
        or_(table.c.embargo_until.is_(None), table.c.embargo_until <= func.now()),
    )


def _seen_by(caller: Principal | None, table: Table) -> ColumnElement[bool]:
    if caller is None or not caller.allows("read"):
        return _is_open(table)
    if caller.allows("admin"):
        return true()
    return or_(_is_open(table), table.c.owner_id == caller.user_id)


async def target_decisions(
    connection: AsyncConnection, target_id: int, caller: Principal | None
) -> TargetDecisions:
    """What was decided about a target that the caller may see."""
    known = select(TARGETS.c.target_id).where(
        TARGETS.c.target_id == target_id,
        TARGETS.c.deleted_at.is_(None),
        _seen_by(caller, TARGETS),
    )
    if await connection.scalar(known) is None:
        raise NotFound(f"There is no target {target_id} that you may see.")
    scene = await _newest(connection, SCENES, target_id)
    mean = await _newest(connection, MEAN_POSITIONS, target_id)
    pins = (
        select(CATALOGUE_PINS)
        .where(CATALOGUE_PINS.c.target_id == target_id)
        .order_by(CATALOGUE_PINS.c.camera_id, CATALOGUE_PINS.c.catalogue)
    )
    return TargetDecisions(
        target_id=target_id,
        scene=None if scene is None else SceneOut(**_columns(scene, SceneOut)),
        mean_position=(
            None if mean is None else MeanPositionOut(**_columns(mean, MeanPositionOut))
        ),
        colours=await _colours(connection, target_id, caller),
        catalogue_pins=[
            PinOut(**_columns(row, PinOut)) for row in await connection.execute(pins)
        ],
    )


async def _newest(connection: AsyncConnection, table: Table, target_id: int) -> Any:
    statement = (
        select(table)
        .where(table.c.target_id == target_id)
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
        _seen_by(caller, table),
    )
    newest = select(func.max(table.c.mid_exposure_mjd)).where(seen).scalar_subquery()
    statement = (
        select(table.c.passband, table.c.magnitude, table.c.magnitude_error)
        .where(seen, table.c.mid_exposure_mjd > newest - SAME_NIGHT_DAYS)
        .order_by(table.c.mid_exposure_mjd, table.c.data_product_id, table.c.plane)
    )
    magnitudes = [
        MeasuredMagnitude(row.passband, row.magnitude, row.magnitude_error)
        for row in await connection.execute(statement)
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
