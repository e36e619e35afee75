"""Queries on where frames found a target, and on the means of it."""

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_cpcs.decisions.domain import Mean, MeasuredPosition
from bhtom_cpcs.decisions.tables import MEAN_POSITIONS, TARGET_EVIDENCE
from bhtom_cpcs.replicas.visibility import is_withdrawn
from bhtom_runtime.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Positions:
    """A target's good positions in the order of time, and the rows that are new.

    `withdrawn` says that new rows are of products that were deleted.
    """

    measured: list[MeasuredPosition]
    new: list[int]
    withdrawn: bool


async def positions_of(uow: UnitOfWork, target_id: int) -> Positions:
    """Where frames that are still there found a target."""
    table = TARGET_EVIDENCE
    statement = (
        select(table, is_withdrawn(table).label("is_withdrawn"))
        .where(table.c.target_id == target_id)
        .order_by(table.c.mid_exposure_mjd, table.c.data_product_id, table.c.plane)
    )
    rows = (await uow.execute(statement)).all()
    measured = [
        MeasuredPosition(
            row.mid_exposure_mjd,
            row.ra,
            row.dec,
            row.ra_error_arcsec,
            row.dec_error_arcsec,
        )
        for row in rows
        if row.ra is not None and not row.is_withdrawn
    ]
    news = [row for row in rows if not row.considered]
    withdrawn = any(row.is_withdrawn for row in news)
    return Positions(measured, [row.change_id for row in news], withdrawn)


async def mean_of(
    uow: UnitOfWork | AsyncConnection, target_id: int
) -> tuple[int, Mean] | None:
    """A target's newest mean position with its version."""
    table = MEAN_POSITIONS
    statement = (
        select(table)
        .where(table.c.target_id == target_id, table.c.withdrawn_at.is_(None))
        .order_by(table.c.version.desc())
        .limit(1)
    )
    row = (await uow.execute(statement)).first()
    if row is None:
        return None
    return row.version, Mean(
        row.ra,
        row.dec,
        row.epoch_jyear,
        row.ra_error_arcsec,
        row.dec_error_arcsec,
        row.n_frames,
    )


async def keep_mean(uow: UnitOfWork, target_id: int, mean: Mean) -> int:
    """Write a mean position's next version; its number."""
    table = MEAN_POSITIONS
    newest = select(func.max(table.c.version)).where(table.c.target_id == target_id)
    version = ((await uow.execute(newest)).scalar() or 0) + 1
    await uow.execute(
        insert(table).values(
            target_id=target_id,
            version=version,
            ra=mean.ra_deg,
            dec=mean.dec_deg,
            epoch_jyear=mean.epoch_jyear,
            ra_error_arcsec=mean.ra_error_arcsec,
            dec_error_arcsec=mean.dec_error_arcsec,
            n_frames=mean.n_frames,
        )
    )
    return int(version)


async def withdraw_means(uow: UnitOfWork, target_id: int) -> None:
    """Say that too few of the frames are left that a target's means rest on."""
    table = MEAN_POSITIONS
    await uow.execute(
        update(table)
        .where(table.c.target_id == target_id, table.c.withdrawn_at.is_(None))
        .values(withdrawn_at=func.now())
    )
