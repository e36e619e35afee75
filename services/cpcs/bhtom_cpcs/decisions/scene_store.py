"""Queries on scenes, their evidence, and what people ruled on them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_cpcs.decisions.pinned import scene_of
from bhtom_cpcs.decisions.scene_evidence import ABOUT
from bhtom_cpcs.decisions.scene_tables import SCENE_EVIDENCE, SCENE_RULINGS
from bhtom_cpcs.decisions.tables import SCENES
from bhtom_cpcs.replicas.visibility import is_withdrawn
from bhtom_cpcs.science.decisions import Scene
from bhtom_cpcs.science.scene_evidence import LightAbout, SceneEvidence, StarBeside
from bhtom_runtime.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class SceneVersion:
    """A version of a target's scene, with what its learnt stars rest on."""

    scene: Scene
    learnt: tuple[Mapping[str, Any], ...]
    calibration_id: int


async def scenes_to_consider(connection: AsyncConnection, limit: int) -> list[int]:
    """Targets beside which frames show stars that no decision has looked at."""
    table = SCENE_EVIDENCE
    statement = (
        select(table.c.target_id).where(~table.c.considered).distinct().limit(limit)
    )
    return sorted((await connection.execute(statement)).scalars())


async def versions_of(
    uow: UnitOfWork | AsyncConnection, target_id: int
) -> list[SceneVersion]:
    """All versions of a target's scene, the newest last."""
    table = SCENES
    statement = (
        select(table).where(table.c.target_id == target_id).order_by(table.c.version)
    )
    return [
        SceneVersion(
            scene_of({name: getattr(row, name) for name in Scene.__dataclass_fields__}),
            tuple(row.learnt),
            row.calibration_id,
        )
        for row in await uow.execute(statement)
    ]


async def keep_version(uow: UnitOfWork, version: SceneVersion) -> None:
    """Write a scene's next version."""
    scene = version.scene
    await uow.execute(
        insert(SCENES).values(
            target_id=scene.target_id,
            version=scene.version,
            radius_arcsec=scene.radius_arcsec,
            source=scene.source,
            stars=[asdict(star) for star in scene.stars],
            learnt=[dict(star) for star in version.learnt],
            calibration_id=version.calibration_id,
        )
    )


async def scene_history(
    uow: UnitOfWork, target_id: int, scene_version: int
) -> tuple[list[SceneEvidence], list[int]]:
    """What frames measured with a scene tell, and the target's rows that are new."""
    table = SCENE_EVIDENCE
    statement = (
        select(table, is_withdrawn(table).label("is_withdrawn"))
        .where(table.c.target_id == target_id)
        .order_by(table.c.mid_exposure_mjd, table.c.data_product_id, table.c.plane)
    )
    rows = (await uow.execute(statement)).all()
    history = [
        SceneEvidence(
            calibration_id=row.calibration_id,
            mid_exposure_mjd=row.mid_exposure_mjd,
            night=row.night,
            passband=row.passband,
            fwhm_arcsec=row.fwhm_arcsec,
            depth=row.depth,
            stars=tuple(
                StarBeside(**star) for star in row.stars if star.get("kind") != ABOUT
            ),
            light=_light_about(row.stars),
        )
        for row in rows
        if row.tells and row.scene_version == scene_version and not row.is_withdrawn
    ]
    return history, [row.change_id for row in rows if not row.considered]


def _light_about(shown: Sequence[Mapping[str, Any]]) -> LightAbout | None:
    found = [dict(one) for one in shown if one.get("kind") == ABOUT]
    if not found:
        return None
    values = found[0]
    del values["kind"]
    return LightAbout(**{**values, "sectors": tuple(values["sectors"])})


async def dropped_stars(
    uow: UnitOfWork | AsyncConnection, target_id: int
) -> set[tuple[float, float]]:
    """Places of stars that people dropped from a scene and did not take back."""
    table = SCENE_RULINGS
    statement = select(table.c.ra, table.c.dec).where(
        table.c.target_id == target_id, table.c.withdrawn_at.is_(None)
    )
    return {(row.ra, row.dec) for row in await uow.execute(statement)}


async def keep_scene_ruling(uow: UnitOfWork, values: Mapping[str, Any]) -> int:
    """Write a ruling; its id."""
    statement = insert(SCENE_RULINGS).values(**values).returning(SCENE_RULINGS.c.id)
    return int((await uow.execute(statement)).scalar_one())


async def withdraw_scene_ruling(
    uow: UnitOfWork, target_id: int, ruling_id: int, username: str
) -> bool:
    """Take a ruling back; False when there is none that holds."""
    table = SCENE_RULINGS
    statement = (
        update(table)
        .where(
            table.c.id == ruling_id,
            table.c.target_id == target_id,
            table.c.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=func.now(), withdrawn_by=username)
        .returning(table.c.id)
    )
    return (await uow.execute(statement)).first() is not None


async def scene_rulings(
    connection: AsyncConnection, target_id: int, limit: int
) -> Sequence[Row[Any]]:
    """Rulings on a target's scene, the oldest first."""
    table = SCENE_RULINGS
    statement = (
        select(table)
        .where(table.c.target_id == target_id)
        .order_by(table.c.id.desc())
        .limit(limit)
    )
    return list(reversed((await connection.execute(statement)).all()))
