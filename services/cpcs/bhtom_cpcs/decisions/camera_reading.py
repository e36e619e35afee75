"""What was decided about a camera's filters, as far as a reader may see its frames."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from bhtom_cpcs.decisions.domain import RulingKind
from bhtom_cpcs.decisions.evidence import asks_one_band
from bhtom_cpcs.decisions.schemas import (
    BandOut,
    CameraDecisions,
    FilterOut,
    RulingOut,
)
from bhtom_cpcs.decisions.tables import BAND_RULINGS, BAND_SETTLEMENTS, FRAME_EVIDENCE
from bhtom_cpcs.replicas.tables import CAMERAS
from bhtom_cpcs.replicas.visibility import is_withdrawn, may_see
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Forbidden, NotFound

# Of a camera's filter cards, by name, and of its newest rulings.
_MOST_SHOWN: Final = 500
_BOUNDS: Final = ("valid_from_mjd", "valid_until_mjd")


@dataclass(frozen=True, slots=True)
class _Seen:
    """Calibrations that a reader may see, and times that he may be told."""

    calibrations: frozenset[int]
    times: frozenset[float]

    def bounds(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """An interval's bounds, and the names of those that are withheld."""
        hidden = [
            name
            for name in _BOUNDS
            if told[name] is not None and told[name] not in self.times
        ]
        shown = {name: None if name in hidden else told[name] for name in _BOUNDS}
        return {**shown, "withheld": hidden}

    def band(self, band: Mapping[str, Any]) -> BandOut:
        """A band with the evidence that the reader may see."""
        evidence = {
            name: [one for one in band[name] if one in self.calibrations]
            for name in ("agreeing", "contradicting")
        }
        return BandOut.model_validate({**band, **evidence, **self.bounds(band)})


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
    connection: AsyncConnection, camera_id: int, caller: Principal | None
) -> CameraDecisions:
    """What was decided about a camera's filters, and what people ruled.

    Frames that the caller may not see count, and are told by no number and no time.
    """
    await check_camera(connection, camera_id)
    newest = await _newest_settlements(connection, camera_id)
    ruled = await _rulings(connection, camera_id)
    seen = await _seen(connection, camera_id, caller, newest, ruled)
    asked = await _asked_in_one_band(connection, camera_id)
    return CameraDecisions(
        camera_id=camera_id,
        filters=[
            FilterOut(
                filter_card=row.filter_card,
                declared_filter=row.declared_filter,
                version=row.version,
                decided_at=row.decided_at,
                bands=[seen.band(band) for band in row.intervals],
                n_asked_in_one_band=asked.get(
                    (row.filter_card, row.declared_filter), 0
                ),
            )
            for row in newest
        ],
        rulings=[_ruling(row, seen) for row in ruled],
    )


async def _newest_settlements(
    connection: AsyncConnection, camera_id: int
) -> Sequence[Row[Any]]:
    settled = BAND_SETTLEMENTS
    statement = (
        select(settled)
        .ext(distinct_on(settled.c.filter_card, settled.c.declared_filter))
        .where(settled.c.camera_id == camera_id)
        .order_by(
            settled.c.filter_card, settled.c.declared_filter, settled.c.version.desc()
        )
        .limit(_MOST_SHOWN)
    )
    return (await connection.execute(statement)).all()


async def _rulings(connection: AsyncConnection, camera_id: int) -> Sequence[Row[Any]]:
    """The newest rulings, oldest first."""
    statement = (
        select(BAND_RULINGS)
        .where(BAND_RULINGS.c.camera_id == camera_id)
        .order_by(BAND_RULINGS.c.id.desc())
        .limit(_MOST_SHOWN)
    )
    return list(reversed((await connection.execute(statement)).all()))


def _ruling(row: Row[Any], seen: _Seen) -> RulingOut:
    values = {name: getattr(row, name, None) for name in RulingOut.model_fields}
    return RulingOut(**{**values, "ruling_id": row.id, **seen.bounds(values)})


async def _seen(
    connection: AsyncConnection,
    camera_id: int,
    caller: Principal | None,
    settlements: Sequence[Row[Any]],
    rulings: Sequence[Row[Any]],
) -> _Seen:
    """What of the evidence a reader may be told of: his own and open frames."""
    bands = [band for row in settlements for band in row.intervals]
    table = FRAME_EVIDENCE
    named = {one for band in bands for one in band["agreeing"] + band["contradicting"]}
    times = {band[name] for band in bands for name in _BOUNDS}
    times |= {getattr(row, name) for row in rulings for name in _BOUNDS}
    statement = select(table.c.calibration_id, table.c.mid_exposure_mjd).where(
        table.c.camera_id == camera_id,
        or_(
            table.c.calibration_id.in_(named),
            table.c.mid_exposure_mjd.in_(times - {None}),
        ),
        ~is_withdrawn(table),
        may_see(caller, table),
    )
    rows = (await connection.execute(statement)).all()
    return _Seen(
        frozenset(row.calibration_id for row in rows),
        frozenset({*(row.mid_exposure_mjd for row in rows), *_typed(rulings)}),
    )


def _typed(rulings: Sequence[Row[Any]]) -> Iterable[float]:
    """Bounds that a person wrote; those of `settle` are the stars', so the frames'."""
    for row in rulings:
        if row.kind != RulingKind.SETTLE:
            bounds = (row.valid_from_mjd, row.valid_until_mjd)
            yield from (bound for bound in bounds if bound is not None)


async def _asked_in_one_band(
    connection: AsyncConnection, camera_id: int
) -> dict[tuple[str, str], int]:
    """How many frames of each card were asked for in one band and no other."""
    table = FRAME_EVIDENCE
    key = (table.c.filter_card, table.c.declared_filter)
    statement = (
        select(*key, func.count().label("n"))
        .where(table.c.camera_id == camera_id, ~is_withdrawn(table))
        .group_by(*key)
    )
    return {
        (row.filter_card, row.declared_filter): row.n
        for row in await connection.execute(statement)
        if asks_one_band(row.declared_filter)
    }
