"""Collects what was decided for a frame before its reduction starts."""

import math
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Float, Table, and_, cast, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_contracts.events.frames import FitsUploaded
from bhtom_cpcs.decisions import domain, position_store
from bhtom_cpcs.decisions.domain import MeasuredMagnitude
from bhtom_cpcs.decisions.pin_store import releases_for
from bhtom_cpcs.decisions.pinned import scene_of
from bhtom_cpcs.decisions.second_look import Field
from bhtom_cpcs.decisions.tables import (
    BAND_SETTLEMENTS,
    FRAME_EVIDENCE,
    SCENES,
    TARGET_EVIDENCE,
)
from bhtom_cpcs.replicas.tables import TARGETS
from bhtom_cpcs.replicas.visibility import is_withdrawn, seen_by
from bhtom_cpcs.science.decisions import (
    SAME_NIGHT_DAYS,
    BorrowedZeroPoint,
    Decisions,
    MeanPosition,
    Scene,
    SettledBand,
    TargetColour,
)

_UNIX_EPOCH_MJD: Final = 40587.0
_SETTLED: Final = tuple(SettledBand.__dataclass_fields__)
# Frames of a camera that tell how large its field is.
_FRAMES_OF_A_FIELD: Final = 20
_UNKNOWN_FIELD_DEG: Final = 1.0
_LARGEST_REACH_DEG: Final = 10.0
_MOST_OTHER_TARGETS: Final = 500
# More texts than any set of filters has; a header may hold a new one in every frame.
_MOST_CARDS: Final = 500
# The nearest in time of each card and passband; a night has no more than this.
_MOST_BORROWED: Final = 60


async def collect(
    connection: AsyncConnection,
    request: FitsUploaded,
    mid_exposure_mjd: float | None,
    field: Field | None = None,
) -> Decisions:
    """What stands for the request's camera, filters and target now.

    The time of the exposure and the field are known only when the file is read:
    without them the time that an earlier calibration found is taken, or else that of
    the upload, and what the camera's frames reach about the target.
    """
    mjd = mid_exposure_mjd
    if mjd is None:
        mjd = await _known_time(connection, request.data_product_id)
    if mjd is None:
        mjd = _mjd(request.uploaded_at)
    return Decisions(
        settled_bands=await _settled_bands(connection, request),
        scenes=await _scenes(connection, request.target.target_id),
        mean_positions=await _mean_positions(connection, request.target.target_id),
        target_colours=await _colours(connection, request, mjd),
        borrowed_zero_points=await _borrowed(connection, request, mjd),
        pinned_releases=await releases_for(connection, request),
        other_targets=await _other_targets(connection, request, field),
    )


def _mjd(moment: datetime) -> float:
    return _UNIX_EPOCH_MJD + moment.timestamp() / 86400


async def _known_time(connection: AsyncConnection, product: int) -> float | None:
    table = FRAME_EVIDENCE
    statement = (
        select(table.c.mid_exposure_mjd)
        .where(table.c.data_product_id == product)
        .order_by(table.c.plane)
        .limit(1)
    )
    found: float | None = await connection.scalar(statement)
    return found


async def _settled_bands(
    connection: AsyncConnection, request: FitsUploaded
) -> tuple[SettledBand, ...]:
    """The newest settlement of each card of the camera, as the request declares it."""
    table = BAND_SETTLEMENTS
    statement = (
        select(table.c.intervals)
        .ext(distinct_on(table.c.filter_card))
        .where(
            table.c.camera_id == request.camera.camera_id,
            table.c.declared_filter == request.parameters.requested_filter,
        )
        .order_by(table.c.filter_card, table.c.version.desc())
        .limit(_MOST_CARDS)
    )
    return tuple(
        SettledBand(**{name: band[name] for name in _SETTLED})
        for row in await connection.execute(statement)
        for band in row.intervals
    )


async def _scenes(connection: AsyncConnection, target_id: int) -> tuple[Scene, ...]:
    table = SCENES
    statement = (
        select(table)
        .where(table.c.target_id == target_id)
        .order_by(table.c.version.desc())
        .limit(1)
    )
    return tuple(
        scene_of(
            {
                name: getattr(row, name)
                for name in Scene.__dataclass_fields__
                if name in table.c
            }
        )
        for row in await connection.execute(statement)
    )


async def _mean_positions(
    connection: AsyncConnection, target_id: int
) -> tuple[MeanPosition, ...]:
    known = await position_store.mean_of(connection, target_id)
    if known is None:
        return ()
    version, mean = known
    return (
        MeanPosition(
            target_id=target_id,
            version=version,
            ra_deg=mean.ra_deg,
            dec_deg=mean.dec_deg,
            epoch_jyear=mean.epoch_jyear,
            ra_error_arcsec=mean.ra_error_arcsec,
            dec_error_arcsec=mean.dec_error_arcsec,
            n_frames=mean.n_frames,
        ),
    )


def _same_night(column: Any, mjd: float) -> ColumnElement[bool]:
    return and_(column > mjd - SAME_NIGHT_DAYS, column < mjd + SAME_NIGHT_DAYS)


def _usable_by(request: FitsUploaded, table: Table) -> tuple[ColumnElement[bool], ...]:
    """Evidence whose frames the borrower may see, of products that are still there."""
    return seen_by(request.owner_id, table), ~is_withdrawn(table)


async def _colours(
    connection: AsyncConnection, request: FitsUploaded, mjd: float
) -> tuple[TargetColour, ...]:
    table, target_id = TARGET_EVIDENCE, request.target.target_id
    statement = (
        select(
            table.c.passband,
            table.c.magnitude,
            table.c.magnitude_error,
            table.c.mid_exposure_mjd,
        )
        .where(
            table.c.target_id == target_id,
            table.c.magnitude.is_not(None),
            *_usable_by(request, table),
            _same_night(table.c.mid_exposure_mjd, mjd),
        )
        .order_by(table.c.mid_exposure_mjd, table.c.data_product_id, table.c.plane)
    )
    magnitudes = [
        MeasuredMagnitude(*row) for row in await connection.execute(statement)
    ]
    return domain.colours(target_id, magnitudes)


async def _borrowed(
    connection: AsyncConnection, request: FitsUploaded, mjd: float
) -> tuple[BorrowedZeroPoint, ...]:
    if request.kind != "fits_file":
        return ()
    table = FRAME_EVIDENCE
    # What was forced on a frame is its own; the same wish may share it.
    of_its_stars = or_(
        func.cardinality(table.c.shown_bands) > 0,
        table.c.declared_filter == request.parameters.requested_filter,
    )
    nearest = (
        select(table)
        .ext(distinct_on(table.c.filter_card, table.c.passband))
        .where(
            table.c.camera_id == request.camera.camera_id,
            table.c.data_product_id != request.data_product_id,
            table.c.lends_zero_point,
            of_its_stars,
            *_usable_by(request, table),
            _same_night(table.c.mid_exposure_mjd, mjd),
        )
        .order_by(
            table.c.filter_card,
            table.c.passband,
            func.abs(table.c.mid_exposure_mjd - mjd),
            table.c.calibration_id,
        )
        .limit(_MOST_BORROWED)
    )
    return tuple(
        BorrowedZeroPoint(
            filter_card=row.filter_card,
            mid_exposure_mjd=row.mid_exposure_mjd,
            passband=row.passband,
            value=row.zero_point,
            error=row.zero_point_error,
            exposure_time_s=row.exposure_time_s,
            air_mass=row.air_mass,
            calibration_id=row.calibration_id,
        )
        for row in await connection.execute(nearest)
    )


async def _other_targets(
    connection: AsyncConnection, request: FitsUploaded, field: Field | None
) -> tuple[tuple[float, float], ...]:
    """Positions of the suite's other targets that the frame may show, nearest first."""
    about = field or await _field_about(connection, request)
    if about is None:
        return ()
    ra, dec = about.ra_deg, about.dec_deg
    reach = min(about.radius_deg, _LARGEST_REACH_DEG)
    columns = TARGETS.c
    half_chord = func.power(func.sind((columns.dec - dec) / 2), 2) + (
        func.cosd(columns.dec)
        * math.cos(math.radians(dec))
        * func.power(func.sind((columns.ra - ra) / 2), 2)
    )
    distance = cast(half_chord, Float)
    statement = (
        select(columns.ra, columns.dec)
        .where(
            columns.target_id != request.target.target_id,
            columns.deleted_at.is_(None),
            columns.ra.is_not(None),
            columns.dec.between(dec - reach, dec + reach),
            distance <= math.sin(math.radians(reach) / 2) ** 2,
        )
        .order_by(distance, columns.target_id)
        .limit(_MOST_OTHER_TARGETS)
    )
    return tuple((row.ra, row.dec) for row in await connection.execute(statement))


async def _field_about(
    connection: AsyncConnection, request: FitsUploaded
) -> Field | None:
    """Where a frame may reach that shows the target; None of one that moves."""
    ra, dec = request.target.position.ra, request.target.position.dec
    if ra is None or dec is None:
        return None
    radius = await _field_radius(connection, request.camera.camera_id)
    # The target may stand in one corner of the field and another in the opposite one.
    return Field(ra, dec, 2 * radius)


async def _field_radius(connection: AsyncConnection, camera_id: int) -> float:
    """How far a camera's frames reach from their centre, by its newest frames [deg]."""
    table = FRAME_EVIDENCE
    newest = (
        select(table.c.field_radius_deg)
        .where(table.c.camera_id == camera_id)
        .order_by(table.c.mid_exposure_mjd.desc())
        .limit(_FRAMES_OF_A_FIELD)
        .subquery()
    )
    found: float | None = await connection.scalar(
        select(func.max(newest.c.field_radius_deg))
    )
    return found or _UNKNOWN_FIELD_DEG
